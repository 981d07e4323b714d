// For what depends on time: a socket that does what the test says, and the turns of the event loop between.

/** Stands in for the network only; everything that is said to it and everything it says goes through the module. */
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

  /** Upgraded and authenticated. */
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

/** Lets everything run that needs no time. */
export const turns = () => new Promise((resolve) => setImmediate(resolve));
