// When the module reconnects and when it does not, with mocked timers.

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { Sluice } from '../sluice.js';
import { FakeSocket, turns } from './fake.js';

const NOW = Date.UTC(2026, 10, 24, 12);

let sluice;
let tokens;
let told;
let luck;

/** A token with only the claim that the module reads. */
const tokenFor = (seconds) =>
  `e30.${Buffer.from(JSON.stringify({ exp: Date.now() / 1000 + seconds })).toString('base64url')}.x`;

async function connect(options = {}) {
  const note = (name) => (what) => told.push([name, what]);
  sluice = new Sluice('wss://app.example.org/ws', {
    WebSocket: FakeSocket,
    token: () => `token-${++tokens}`,
    onState: note('state'),
    onGap: note('gap'),
    onError: note('error'),
    ...options,
  });
  await turns();
}

async function passes(ms) {
  mock.timers.tick(ms);
  await turns();
}

/** Lets the delay of the reconnect pass, and returns it. */
async function comesBack() {
  assert.equal(sluice.state.name, 'waiting');
  const { delay } = sluice.state;
  const sockets = FakeSocket.all.length;
  await passes(delay - 1);
  assert.equal(FakeSocket.all.length, sockets, 'reconnected too early');
  await passes(1);
  assert.equal(FakeSocket.all.length, sockets + 1, 'did not reconnect');
  return delay;
}

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: NOW });
  luck = 1;
  mock.method(Math, 'random', () => luck);
  FakeSocket.all = [];
  tokens = 0;
  told = [];
});

afterEach(() => {
  sluice.close();
  mock.timers.reset();
  mock.restoreAll();
});

describe('close codes', () => {
  for (const code of [1002, 1007, 1009, 4002, 4004, 4503]) {
    it(`${code} is final`, async () => {
      await connect();
      FakeSocket.last.opens();
      FakeSocket.last.ends(code, 'because');
      assert.deepEqual(sluice.state, { name: 'closed', code, reason: 'because' });
      await passes(3_600_000);
      assert.equal(FakeSocket.all.length, 1);
    });
  }

  it('4001 is final without a token', async () => {
    await connect({ token: undefined });
    FakeSocket.last.opens();
    FakeSocket.last.ends(4001, 'because');
    assert.deepEqual(sluice.state, { name: 'closed', code: 4001, reason: 'because' });
  });

  it('4001 leads to a reconnect with a token', async () => {
    await connect();
    FakeSocket.last.opens();
    FakeSocket.last.ends(4001, 'because');
    await comesBack();
  });

  for (const code of [1000, 1001, 1006, 1011, 1012, 4008, 4999]) {
    it(`${code} leads to a reconnect, at first within a second`, async () => {
      await connect();
      await FakeSocket.last.admits();
      FakeSocket.last.ends(code, 'because');
      assert.deepEqual(sluice.state, { name: 'waiting', delay: 1_000, code, reason: 'because' });
      await comesBack();
    });
  }

  for (const code of [1013, 4029]) {
    it(`${code} leads to a reconnect after a long delay, even if the page becomes visible`, async () => {
      const page = (globalThis.document = new EventTarget());
      try {
        luck = 0;
        await connect();
        FakeSocket.last.opens();
        FakeSocket.last.ends(code);
        assert.equal(sluice.state.delay, 15_000);
        page.dispatchEvent(new Event('visibilitychange'));
        assert.equal(sluice.state.delay, 15_000);
        luck = 1;
        await passes(15_000);
        FakeSocket.last.ends(code);
        assert.equal(sluice.state.delay, 30_000);
      } finally {
        delete globalThis.document;
      }
    });
  }

  for (const code of [4003, 4010]) {
    it(`${code} leads to a reconnect with another token, at most three times in a row`, async () => {
      await connect();
      for (const token of ['token-1', 'token-2', 'token-3']) {
        FakeSocket.last.opens();
        assert.deepEqual(FakeSocket.last.sent, [{ type: 'auth', token }]);
        FakeSocket.last.ends(code, 'no good');
        if (token !== 'token-3') await comesBack();
      }
      assert.deepEqual(sluice.state, { name: 'closed', code, reason: 'no good' });
    });
  }

  it('a stable connection resets the count of refused tokens', async () => {
    await connect();
    for (let i = 0; i < 10; i++) {
      await FakeSocket.last.admits();
      await passes(10_000);
      FakeSocket.last.ends(4010);
      await comesBack();
      FakeSocket.last.opens();
      FakeSocket.last.ends(4003);
      await comesBack();
    }
  });
});

describe('a reconnect', () => {
  it('backs off, up to a limit', async () => {
    await connect();
    const delays = [];
    for (let i = 0; i < 7; i++) {
      FakeSocket.last.ends(1006);
      delays.push(await comesBack());
    }
    assert.deepEqual(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('is spread over the whole delay', async () => {
    await connect({ firstDelay: 400, maxDelay: 500 });
    FakeSocket.last.ends(1006);
    assert.equal(await comesBack(), 400);
    luck = 0.5;
    FakeSocket.last.ends(1006);
    assert.equal(await comesBack(), 250);
    luck = 0;
    FakeSocket.last.ends(1006);
    assert.equal(sluice.state.delay, 0);
  });

  it('backs off until a connection was stable', async () => {
    await connect();
    for (const delay of [1_000, 2_000, 4_000]) {
      await FakeSocket.last.admits();
      await passes(9_999);
      FakeSocket.last.ends(1011);
      assert.equal(await comesBack(), delay);
    }
    await FakeSocket.last.admits();
    await passes(10_000);
    FakeSocket.last.ends(1011);
    assert.equal(await comesBack(), 1_000);
  });

  it('is repeated while there is no token', async () => {
    let down = true;
    await connect({
      token: async () => {
        if (down) throw new Error('the backend is away');
        return 'token';
      },
    });
    assert.deepEqual(sluice.state, { name: 'waiting', delay: 1_000, code: 1006, reason: 'Error: the backend is away' });
    down = false;
    await comesBack();
    await FakeSocket.last.admits();
    assert.deepEqual(sluice.state, { name: 'open', user: '7' });
  });

  it('times out while it waits for a token or an answer', async () => {
    const waits = [() => new Promise(() => {}), () => 'token'];
    await connect({ token: () => waits.shift()() });
    await passes(20_000);
    assert.equal(sluice.state.reason, 'no answer in time');
    await comesBack();
    FakeSocket.last.opens();
    await passes(20_000);
    assert.equal(sluice.state.reason, 'no answer in time');
    assert.ok(FakeSocket.last.closed);
  });

  it('ignores a token that comes too late', async () => {
    const given = [];
    await connect({ token: () => new Promise((give) => given.push(give)) });
    await passes(20_000);
    await passes(1_000);
    assert.equal(given.length, 2);
    given[0]('old');
    await turns();
    assert.equal(FakeSocket.all.length, 0);
    given[1]('new');
    await turns();
    FakeSocket.last.opens();
    assert.deepEqual(FakeSocket.last.sent, [{ type: 'auth', token: 'new' }]);
  });

  it('is sooner when the network is back or the page becomes visible', async () => {
    const page = (globalThis.document = new EventTarget());
    const network = new EventTarget();
    globalThis.addEventListener = network.addEventListener.bind(network);
    try {
      await connect();
      for (const event of [
        () => network.dispatchEvent(new Event('online')),
        () => page.dispatchEvent(new Event('visibilitychange')),
      ]) {
        while (sluice.state.delay !== 30_000) {
          FakeSocket.last.ends(1006);
          if (sluice.state.delay !== 30_000) await comesBack();
        }
        luck = 0.5;
        event();
        assert.deepEqual(sluice.state, { name: 'waiting', delay: 500, code: 1006, reason: '' });
        luck = 1;
        event();
        assert.equal(await comesBack(), 500, 'looking again does not put it off');
      }
      sluice.close();
      assert.equal(getEventListeners(network, 'online').length, 0);
      assert.equal(getEventListeners(page, 'visibilitychange').length, 0);
    } finally {
      delete globalThis.document;
      delete globalThis.addEventListener;
    }
  });

  it('resubscribes and then reports the gap', async () => {
    await connect();
    sluice.subscribe('upload:1');
    sluice.subscribe('upload:2');
    await FakeSocket.last.admits();
    const asked = { action: 'subscribe', channels: ['upload:1', 'upload:2'], id: 'subscribe' };
    assert.deepEqual(FakeSocket.last.sent.slice(1), [asked]);
    await passes(5_000);
    FakeSocket.last.says('the last that is heard');
    await passes(1_000);
    FakeSocket.last.ends(1006);
    await comesBack();
    await FakeSocket.last.admits();
    assert.deepEqual(FakeSocket.last.sent.slice(1), [asked]);
    FakeSocket.last.says({ action: 'subscribed', channel: 'upload:1', id: 'subscribe' });
    assert.deepEqual(
      told.filter(([name]) => name === 'gap'),
      [],
    );
    FakeSocket.last.says({ action: 'subscribed', channel: 'upload:2', id: 'subscribe' });
    assert.deepEqual(
      told.filter(([name]) => name === 'gap'),
      [['gap', { since: '2026-11-24T12:00:05.000Z', until: '2026-11-24T12:00:07.000Z' }]],
    );
  });

  it('reports one gap if several connections were needed to close it', async () => {
    await connect();
    await FakeSocket.last.admits();
    sluice.subscribe('upload:1');
    for (let i = 0; i < 3; i++) {
      await passes(1_000);
      FakeSocket.last.ends(1006);
      await comesBack();
      await FakeSocket.last.admits();
    }
    FakeSocket.last.says({ action: 'subscribed', channel: 'upload:1', id: 'subscribe' });
    const gaps = told.filter(([name]) => name === 'gap');
    assert.equal(gaps.length, 1);
    assert.equal(gaps[0][1].since, '2026-11-24T12:00:00.000Z');
  });
});

describe('heartbeats', () => {
  it('are answered and keep the connection', async () => {
    await connect();
    await FakeSocket.last.admits();
    for (let i = 0; i < 10; i++) {
      await passes(30_000);
      FakeSocket.last.says('{"action":"ping"}');
      assert.deepEqual(FakeSocket.last.sent.at(-1), { action: 'pong' });
    }
    assert.equal(FakeSocket.all.length, 1);
  });

  it('end the connection if three are missing', async () => {
    await connect({ heartbeat: 1_000 });
    await FakeSocket.last.admits();
    await passes(2_000);
    FakeSocket.last.says('any message is one');
    for (const ms of [1_000, 2_000, 499]) await passes(ms);
    assert.equal(sluice.state.name, 'open');
    await passes(1);
    assert.deepEqual(sluice.state, { name: 'waiting', delay: 1_000, code: 1006, reason: 'the server is silent' });
    assert.ok(FakeSocket.last.closed);
  });

  it('count if they arrived while the page was busy', async () => {
    await connect({ heartbeat: 1_000 });
    await FakeSocket.last.admits();
    const beginning = FakeSocket.last;
    await passes(10_000);
    beginning.says('{"action":"ping"}');
    await passes(2_999);
    assert.equal(sluice.state.name, 'open');
    assert.equal(FakeSocket.all.length, 1);
  });

  it('are checked when the page wakes up', async () => {
    const page = (globalThis.document = new EventTarget());
    try {
      await connect();
      await FakeSocket.last.admits();
      mock.timers.setTime(NOW + 90_000);
      // The timers run only now, like those of a page in the background.
      page.dispatchEvent(new Event('visibilitychange'));
      await passes(500);
      assert.equal(sluice.state.name, 'waiting');
    } finally {
      delete globalThis.document;
    }
  });
});

describe('a token', () => {
  it('is renewed on the open connection before it expires', async () => {
    luck = 0;
    await connect({ heartbeat: Infinity, token: () => tokenFor(600) });
    await FakeSocket.last.admits();
    for (let i = 0; i < 3; i++) {
      const { sent } = FakeSocket.last;
      await passes(419_999);
      assert.equal(sent.filter(({ id }) => id === 'refresh').length, i);
      await passes(1);
      assert.deepEqual(sent.at(-1), { type: 'auth', token: tokenFor(600), id: 'refresh' });
      FakeSocket.last.says({ action: 'auth_success', user_id: '7', id: 'refresh' });
      await turns();
    }
    assert.equal(FakeSocket.all.length, 1);
    assert.deepEqual(
      told.map(([, { name }]) => name),
      ['connecting', 'open'],
    );
  });

  it('is renewed repeatedly after failures until it expires', async () => {
    const given = [tokenFor(100)];
    await connect({
      heartbeat: Infinity,
      token: () => {
        if (given.length === 0) throw new Error('the backend is away');
        return given.shift();
      },
    });
    await FakeSocket.last.admits();
    await passes(85_000);
    assert.deepEqual(told.at(-1), ['error', { code: 'no_token', message: 'Error: the backend is away' }]);
    given.push(tokenFor(-1));
    await passes(12_750);
    FakeSocket.last.says({ action: 'error', code: 'unauthorized', message: 'expired', id: 'refresh' });
    assert.deepEqual(told.at(-1), ['error', { code: 'unauthorized', message: 'expired' }]);
    await turns();
    given.push(tokenFor(100));
    await passes(1_913);
    assert.equal(FakeSocket.last.sent.length, 3);
    FakeSocket.last.says({ action: 'auth_success', user_id: '7', id: 'refresh' });
    await turns();
    await passes(85_000);
    assert.equal(FakeSocket.all.length, 1);
    assert.equal(sluice.state.name, 'open');
  });

  it('renewed by the page is not renewed again for the old expiry', async () => {
    await connect({ heartbeat: Infinity, token: () => (tokens++, tokenFor(100)) });
    await FakeSocket.last.admits();
    await passes(50_000);
    const renewed = sluice.refresh();
    await turns();
    FakeSocket.last.says({ action: 'auth_success', user_id: '7', id: 'refresh' });
    assert.equal(await renewed, true);
    await passes(84_999);
    assert.equal(tokens, 2);
    await passes(1);
    assert.equal(tokens, 3);
  });

  it('is not renewed if it never expires, is unreadable or has expired by this clock', async () => {
    for (const token of [tokenFor(-3_600), 'opaque', 'e30.e30.x']) {
      let asked = 0;
      await connect({ heartbeat: Infinity, token: () => (asked++, token) });
      await FakeSocket.last.admits();
      await passes(1e9);
      assert.equal(asked, 1);
      sluice.close();
    }
  });

  it('is renewed by refresh(), one renewal at a time', async () => {
    await connect();
    assert.equal(await sluice.refresh(), false, 'not open yet');
    await FakeSocket.last.admits();
    const first = sluice.refresh();
    const second = sluice.refresh();
    await turns();
    assert.equal(FakeSocket.last.sent.length, 2);
    FakeSocket.last.says({ action: 'auth_success', user_id: '7', id: 'refresh' });
    assert.deepEqual(await Promise.all([first, second]), [true, true]);
    const third = sluice.refresh();
    await turns();
    FakeSocket.last.ends(1006);
    assert.equal(await third, false);
  });
});
