// A scripted WebSocket for tests with mocked timers.

/** Replaces the network; records what the module sends. */
export class FakeSocket {
  static all = [];
  static get last() {
    return FakeSocket.all.at(-1);
  }

  readyState = 0;
  sent = [];
  closed = false;

  constructor(url) {
    this.url = url;
    FakeSocket.all.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  opens() {
    this.readyState = 1;
    this.onopen?.();
  }

  says(message) {
    this.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) });
  }

  /** Opens and authenticates. */
  async admits(user = '7') {
    this.opens();
    this.says({ action: 'auth_success', user_id: user });
    await turns();
  }

  ends(code, reason = '') {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

/** Runs all pending microtasks and immediates. */
export const turns = () => new Promise((resolve) => setImmediate(resolve));
