// Timeouts and the detection of dead connections, with mocked timers.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { Sluice } from '../sluice.js';
import { FakeSocket, turns } from './fake.js';

const never = () => new Promise(() => {});

let sluice;
let told;

const tokenFor = (seconds) =>
  `e30.${Buffer.from(JSON.stringify({ exp: Date.now() / 1000 + seconds })).toString('base64url')}.x`;

async function connect(options = {}) {
  const note = (name) => (what) => told.push([name, what]);
  sluice = new Sluice('wss://app.example.org/ws', {
    WebSocket: FakeSocket,
    heartbeat: 1e9,
    token: () => 'token',
    onMessage: note('message'),
    onError: note('error'),
    ...options,
  });
  await turns();
}

async function passes(ms) {
  mock.timers.tick(ms);
  await turns();
}

/** Starts a renewal; `fate` returns its result. */
function refresh() {
  const asked = { fate: 'pending' };
  sluice.refresh().then(
    (accepted) => (asked.fate = accepted),
    (error) => (asked.fate = `rejected: ${error.message}`),
  );
  return asked;
}

/** The current result of a renewal. */
async function fate(asked) {
  await turns();
  return asked.fate;
}

const pings = () => FakeSocket.last.sent.filter(({ action }) => action === 'ping');
const answersPing = () => FakeSocket.last.says({ action: 'pong', id: pings().at(-1).id });

/** A window and its document, which dispatch events. */
function withPage() {
  const window = new EventTarget();
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  globalThis.document = page;
  globalThis.addEventListener = window.addEventListener.bind(window);
  return {
    page,
    happens: (name) => (name === 'visibilitychange' ? page : window).dispatchEvent(new Event(name)),
  };
}

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.UTC(2026, 10, 24, 12) });
  mock.method(Math, 'random', () => 0.5);
  FakeSocket.all = [];
  told = [];
});

afterEach(() => {
  sluice.close();
  delete globalThis.document;
  delete globalThis.addEventListener;
  mock.timers.reset();
  mock.restoreAll();
});

describe('a token() that never settles', () => {
  it('delays neither renewal nor refresh()', async () => {
    const answers = [() => tokenFor(600), never, () => tokenFor(600)];
    await connect({ token: () => answers.shift()() });
    await FakeSocket.last.admits();
    await passes(0.775 * 600_000);
    assert.equal(answers.length, 1, 'it has been asked to renew');
    const renewed = refresh();
    await passes(19_999);
    assert.equal(await fate(renewed), 'pending');
    await passes(1);
    assert.equal(await fate(renewed), 'rejected: no answer within 20000 ms');
    assert.deepEqual(told, [['error', { code: 'no_token', message: 'Error: no answer within 20000 ms' }]]);
    // The token has not expired, so the module tries again.
    await passes(0.775 * 115_000);
    assert.equal(FakeSocket.last.sent.at(-1).id, 'refresh');
    assert.equal(sluice.state.name, 'open');
  });

  it('does not delay close()', async () => {
    const answers = [() => 'token', never];
    await connect({ token: () => answers.shift()() });
    await FakeSocket.last.admits();
    const renewed = refresh();
    sluice.close();
    assert.equal(await fate(renewed), false);
    assert.equal(sluice.state.name, 'closed');
  });

  it('times out after the configured time', async () => {
    await connect({ token: never, timeout: 3_000 });
    await passes(2_999);
    assert.equal(sluice.state.name, 'connecting');
    await passes(1);
    assert.equal(sluice.state.name, 'waiting');
  });

  it('is ignored when it settles late', async () => {
    const late = [];
    const answers = [() => 'token', () => new Promise((resolve) => late.push(resolve)), () => 'newer'];
    await connect({ token: () => answers.shift()() });
    await FakeSocket.last.admits();
    const first = refresh();
    await passes(20_000);
    assert.match(await fate(first), /^rejected/);
    const second = refresh();
    await turns();
    late[0]('late');
    await turns();
    assert.deepEqual(
      FakeSocket.last.sent.map(({ token }) => token),
      ['token', 'newer'],
    );
    FakeSocket.last.says({ action: 'auth_success', user_id: '7', id: 'refresh' });
    assert.equal(await fate(second), true);
  });
});

describe('a token() without a token', () => {
  const bad = {
    throws: () => {
      throw new Error('broken');
    },
    rejects: () => Promise.reject(new Error('broken')),
    'returns undefined': () => undefined,
    'returns null': async () => null,
    'returns an empty string': async () => '',
    'returns a page': async () => '<p>'.repeat(20_000),
  };
  for (const [how, token] of Object.entries(bad)) {
    it(`that ${how} fails one connection attempt and one renewal`, async () => {
      let working = false;
      await connect({ token: () => (working ? 'token' : token()) });
      assert.equal(sluice.state.name, 'waiting');
      assert.equal(FakeSocket.all.length, 0, 'no socket without a token');
      working = true;
      await passes(500);
      await FakeSocket.last.admits();
      working = false;
      assert.match(await fate(refresh()), /^rejected/);
      assert.equal(FakeSocket.last.sent.length, 1);
      working = true;
      const renewed = refresh();
      await turns();
      FakeSocket.last.says({ action: 'auth_success', user_id: '7', id: 'refresh' });
      assert.equal(await fate(renewed), true);
    });
  }
});

describe('a missing answer', () => {
  it('to a renewal fails it and pings the server', async () => {
    await connect();
    await FakeSocket.last.admits();
    const renewed = refresh();
    await turns();
    await passes(20_000);
    assert.equal(await fate(renewed), false);
    assert.equal(pings().length, 1);
    await passes(5_000);
    await passes(500);
    assert.equal(sluice.state.reason, 'the server is silent');
  });

  it('to a renewal does not outlast close()', async () => {
    await connect();
    await FakeSocket.last.admits();
    const renewed = refresh();
    await turns();
    sluice.close();
    assert.equal(await fate(renewed), false);
  });

  it('to a renewal counts for its own token if it arrives late', async () => {
    const tokens = ['token', tokenFor(600), tokenFor(60)];
    await connect({ token: () => tokens.shift() });
    await FakeSocket.last.admits();
    refresh();
    await turns();
    await passes(20_000);
    answersPing();
    const second = refresh();
    await turns();
    assert.deepEqual(FakeSocket.last.sent.at(-1).id, 'refresh-1');
    FakeSocket.last.says({ action: 'auth_success', user_id: '7', id: 'refresh' });
    assert.equal(await fate(second), 'pending', 'that was the answer to the first');
    FakeSocket.last.says({ action: 'error', code: 'unauthorized', message: 'no', id: 'refresh-1' });
    assert.equal(await fate(second), false);
  });

  it('to a subscription repeats it unless it was unsubscribed', async () => {
    await connect();
    await FakeSocket.last.admits();
    sluice.subscribe('upload:1');
    sluice.subscribe('upload:2');
    const end = sluice.subscribe('upload:3');
    await turns();
    end();
    await turns();
    FakeSocket.last.says({ action: 'subscribed', channel: 'upload:1', id: 'subscribe' });
    const before = FakeSocket.last.sent.length;
    await passes(20_000);
    assert.deepEqual(FakeSocket.last.sent.slice(before), [
      { action: 'subscribe', channels: ['upload:2'], id: 'subscribe' },
    ]);
    FakeSocket.last.says({ action: 'error', code: 'forbidden', message: 'no', channel: 'upload:2', id: 'subscribe' });
    await passes(100_000);
    assert.equal(FakeSocket.last.sent.length, before + 1);
  });

  it('to a close does not delay the reconnect', async () => {
    await connect();
    await FakeSocket.last.admits();
    const socket = FakeSocket.last;
    sluice.close();
    assert.equal(sluice.state.name, 'closed');
    assert.ok(socket.closed);
    assert.equal(socket.onclose, null);
  });
});

describe('a connection that may be dead', () => {
  for (const event of ['online', 'visibilitychange', 'pageshow']) {
    it(`is pinged on ${event} and dropped after five seconds without an answer`, async () => {
      const { happens } = withPage();
      await connect();
      await FakeSocket.last.admits();
      happens(event);
      assert.deepEqual(FakeSocket.last.sent.at(-1), { action: 'ping', id: 'ping-1' });
      await passes(5_000);
      assert.equal(sluice.state.name, 'open');
      await passes(500);
      assert.deepEqual(sluice.state, { name: 'waiting', delay: 500, code: 1006, reason: 'the server is silent' });
      await passes(500);
      assert.equal(FakeSocket.all.length, 2);
    });

    it(`stays after ${event} if it answers`, async () => {
      const { happens } = withPage();
      await connect();
      await FakeSocket.last.admits();
      happens(event);
      answersPing();
      for (let i = 0; i < 20; i++) await passes(1_000);
      assert.equal(FakeSocket.all.length, 1);
      assert.equal(pings().length, 1);
      assert.deepEqual(told, []);
    });
  }

  it('is not pinged when the page is hidden', async () => {
    const { page, happens } = withPage();
    await connect();
    await FakeSocket.last.admits();
    page.visibilityState = 'hidden';
    happens('visibilitychange');
    await passes(10_000);
    assert.deepEqual(pings(), []);
  });

  it('is pinged once for many events', async () => {
    const { happens } = withPage();
    await connect();
    await FakeSocket.last.admits();
    const burst = () => {
      for (let i = 0; i < 100; i++) ['online', 'visibilitychange', 'pageshow'].forEach(happens);
    };
    burst();
    assert.equal(pings().length, 1);
    answersPing();
    burst();
    assert.equal(pings().length, 1);
    await passes(1_000);
    assert.equal(pings().length, 2, 'what has happened since the last answer is asked about, too');
    answersPing();
    await passes(60_000);
    assert.equal(pings().length, 2);
  });

  it('stays while it sends other messages before the answer', async () => {
    const { happens } = withPage();
    await connect();
    await FakeSocket.last.admits();
    happens('online');
    for (let i = 0; i < 10; i++) {
      await passes(4_000);
      FakeSocket.last.says('a large backlog');
    }
    assert.equal(sluice.state.name, 'open');
    await passes(5_000);
    await passes(500);
    assert.equal(sluice.state.name, 'waiting');
  });

  it('is pinged after two silent heartbeats, also without a window', async () => {
    await connect({ heartbeat: 30_000 });
    await FakeSocket.last.admits();
    await passes(59_999);
    assert.deepEqual(pings(), []);
    await passes(1);
    assert.equal(pings().length, 1);
    answersPing();
    await passes(60_000);
    assert.equal(pings().length, 2);
    await passes(5_000);
    await passes(500);
    assert.equal(sluice.state.name, 'waiting');
  });

  it('is dropped at once if the browser closed it without an event', async () => {
    const { happens } = withPage();
    await connect();
    await FakeSocket.last.admits();
    FakeSocket.last.readyState = 3;
    happens('pageshow');
    assert.equal(sluice.state.reason, 'closed without an event');
  });

  it('is detected although the clock was set back', async () => {
    await connect({ heartbeat: 1_000 });
    await FakeSocket.last.admits();
    const { now } = Date;
    mock.method(Date, 'now', () => now() - 3_600_000);
    for (let i = 0; i < 6; i++) await passes(1_000);
    assert.ok(FakeSocket.all[0].closed);
  });

  it('is replaced on another network while it is being opened', async () => {
    const { happens } = withPage();
    await connect();
    await passes(4_999);
    happens('online');
    happens('visibilitychange');
    assert.equal(sluice.state.name, 'connecting', 'it has hardly begun');
    await passes(1);
    happens('visibilitychange');
    assert.equal(sluice.state.name, 'connecting');
    happens('online');
    assert.equal(sluice.state.name, 'waiting');
    assert.ok(FakeSocket.last.closed);
    await passes(500);
    assert.equal(FakeSocket.all.length, 2);
  });

  it('is not taken for alive because of a payload that looks like the answer', async () => {
    await connect();
    await FakeSocket.last.admits();
    const payloads = ['{"action":"pong","id":"ping-1"}', '{"action":"pong"}', '{"action":"pong","id":7}'];
    payloads.forEach((payload) => FakeSocket.last.says(payload));
    assert.deepEqual(
      told,
      payloads.map((payload) => ['message', payload]),
    );
  });
});
