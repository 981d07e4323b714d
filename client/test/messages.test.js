// Payloads, control messages and subscriptions in version 1.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Sluice } from '../sluice.js';
import { FakeSocket, turns } from './fake.js';

let sluice;
let told;

async function connect(options = {}) {
  const note = (name) => (what) => told.push([name, what]);
  sluice = new Sluice('wss://app.example.org/ws', {
    WebSocket: FakeSocket,
    token: () => 'token',
    onMessage: note('message'),
    onSubscribed: note('subscribed'),
    onMissed: note('missed'),
    onGap: note('gap'),
    onError: note('error'),
    ...options,
  });
  await turns();
}

/** Messages sent after the auth message. */
const said = () => FakeSocket.last.sent.slice(1);

beforeEach(() => {
  FakeSocket.all = [];
  told = [];
});

afterEach(() => sluice.close());

describe('payloads', () => {
  for (const payload of [
    '',
    'text',
    '{"action":"upload_progress","payload":{"upload_id":"42"}}',
    '{"action":"gaps"}',
    '{"action": "gap","since":"x","until":null}',
    '{"id":1,"action":"ping"}',
    ' {"action":"ping"}',
    '["action","ping"]',
    '{"action":"gap",',
    '{"action":"auth_success"',
    'null',
  ]) {
    it(`reach the page unchanged: ${payload}`, async () => {
      await connect();
      await FakeSocket.last.admits();
      FakeSocket.last.says(payload);
      assert.deepEqual(told, [['message', payload]]);
      assert.deepEqual(said(), []);
    });
  }

  it('reach the page as bytes if they are binary', async () => {
    await connect();
    await FakeSocket.last.admits();
    assert.equal(FakeSocket.last.binaryType, 'arraybuffer');
    const { buffer } = new TextEncoder().encode('{"action":"ping"}');
    FakeSocket.last.onmessage({ data: buffer });
    assert.deepEqual(told, [['message', buffer]]);
  });

  it('keep coming after the page threw an exception', async () => {
    const errors = [];
    process.setUncaughtExceptionCaptureCallback((error) => errors.push(error.message));
    try {
      await connect({
        onMessage: (data) => {
          told.push(data);
          throw new Error(data);
        },
      });
      await FakeSocket.last.admits();
      FakeSocket.last.says('one');
      FakeSocket.last.says('two');
      await turns();
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
    }
    assert.deepEqual(told, ['one', 'two']);
    assert.deepEqual(errors, ['one', 'two']);
    assert.equal(sluice.state.name, 'open');
  });
});

describe('control messages', () => {
  for (const [message, ...expected] of [
    ['{"action":"missed","channel":"upload:42","count":17}', ['missed', { channel: 'upload:42', count: 17 }]],
    [
      '{"action":"gap","since":"2026-11-24T12:00:00Z","until":null}',
      ['gap', { since: '2026-11-24T12:00:00Z', until: null }],
    ],
    ['{"action":"subscribed","channel":"upload:42"}', ['subscribed', { channel: 'upload:42', retained: false }]],
    [
      '{"action":"subscribed","channel":"upload:42","retained":true,"id":"subscribe"}',
      ['subscribed', { channel: 'upload:42', retained: true }],
    ],
    ['{"action":"error","code":"bad_message","message":"no"}', ['error', { code: 'bad_message', message: 'no' }]],
    ['{"action":"unsubscribed","channel":"upload:42","id":"unsubscribe"}'],
    ['{"action":"unsubscribed","channel":"upload:42"}'],
    ['{"action":"auth_success","user_id":"8"}'],
    ['{"action":"auth_error","message":"no"}'],
    ['{"action":"ping"}'],
  ]) {
    it(`reach the page as events: ${message}`, async () => {
      await connect();
      await FakeSocket.last.admits();
      FakeSocket.last.says(message);
      assert.deepEqual(told, expected);
      assert.deepEqual(sluice.state, { name: 'open', user: '7' });
    });
  }
});

describe('subscriptions', () => {
  it('are sent in batches once the connection is open', async () => {
    await connect();
    const names = Array.from({ length: 120 }, (_, i) => `upload:${i}`);
    names.forEach((name) => sluice.subscribe(name));
    await turns();
    assert.equal(FakeSocket.last.sent.length, 0);
    await FakeSocket.last.admits();
    assert.deepEqual(
      said().map(({ channels }) => channels.length),
      [50, 50, 20],
    );
    assert.deepEqual(
      said().flatMap(({ channels }) => channels),
      names,
    );
  });

  it('end with the last of their callers', async () => {
    await connect();
    await FakeSocket.last.admits();
    const one = sluice.subscribe('upload:1');
    const two = sluice.subscribe('upload:1');
    await turns();
    assert.deepEqual(said(), [{ action: 'subscribe', channels: ['upload:1'], id: 'subscribe' }]);
    one();
    one();
    await turns();
    assert.equal(said().length, 1);
    two();
    await turns();
    assert.deepEqual(said()[1], { action: 'unsubscribe', channels: ['upload:1'], id: 'unsubscribe' });
  });

  it('are sent again for each caller, for the retained publication', async () => {
    await connect();
    await FakeSocket.last.admits();
    sluice.subscribe('upload:1');
    await turns();
    sluice.subscribe('upload:1');
    await turns();
    assert.equal(said().length, 2);
  });

  it('that change at once are sent in their last state', async () => {
    await connect();
    await FakeSocket.last.admits();
    sluice.subscribe('upload:1')();
    const end = sluice.subscribe('upload:2');
    sluice.subscribe('upload:2');
    end();
    await turns();
    assert.deepEqual(said(), [
      { action: 'unsubscribe', channels: ['upload:1'], id: 'unsubscribe' },
      { action: 'subscribe', channels: ['upload:2'], id: 'subscribe' },
    ]);
  });

  for (const code of ['forbidden', 'bad_channel', 'too_many_subscriptions']) {
    it(`refused with ${code} are not repeated`, async () => {
      await connect({ firstDelay: 0 });
      await FakeSocket.last.admits();
      const end = sluice.subscribe('upload:1');
      await turns();
      FakeSocket.last.says({ action: 'error', code, message: 'no', channel: 'upload:1', id: 'subscribe' });
      assert.deepEqual(told, [['error', { code, message: 'no', channel: 'upload:1' }]]);
      // The first subscriber's function must not end the second one's subscription.
      sluice.subscribe('upload:1');
      end();
      await turns();
      assert.deepEqual(
        said().map(({ action }) => action),
        ['subscribe', 'subscribe'],
      );
    });
  }

  it('ended by the server are reported and not repeated', async () => {
    await connect();
    await FakeSocket.last.admits();
    sluice.subscribe('upload:1');
    await turns();
    FakeSocket.last.says({ action: 'unsubscribed', channel: 'upload:1' });
    assert.deepEqual(told, [
      ['error', { code: 'revoked', message: 'the right to the channel ended', channel: 'upload:1' }],
    ]);
    FakeSocket.last.ends(1006);
    while (FakeSocket.all.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    await FakeSocket.last.admits();
    assert.deepEqual(said(), []);
  });

  it('continue if they are renewed before the answer to their end', async () => {
    await connect();
    await FakeSocket.last.admits();
    const end = sluice.subscribe('upload:1');
    await turns();
    end();
    await turns();
    const again = sluice.subscribe('upload:1');
    await turns();
    FakeSocket.last.says({ action: 'unsubscribed', channel: 'upload:1', id: 'unsubscribe' });
    assert.deepEqual(told, []);
    again();
    await turns();
    assert.equal(said().at(-1).action, 'unsubscribe');
  });

  it('answered with unavailable are repeated later', async () => {
    await connect({ maxDelay: 20 });
    await FakeSocket.last.admits();
    sluice.subscribe('upload:1');
    const end = sluice.subscribe('upload:2');
    await turns();
    for (const channel of ['upload:1', 'upload:2']) {
      FakeSocket.last.says({ action: 'error', code: 'unavailable', message: 'not now', channel, id: 'subscribe' });
    }
    end();
    while (said().length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(said()[2], { action: 'subscribe', channels: ['upload:1'], id: 'subscribe' });
  });
});

describe('invalid channel names', () => {
  const names = {
    'too long an id': `upload:${'x'.repeat(257)}`,
    'too long an id in bytes': `upload:${'ü'.repeat(129)}`,
    'longer than a message': `upload:${'x'.repeat(40_000)}`,
    'too long a prefix': `${'x'.repeat(40_000)}:1`,
    'no id': 'upload:',
    'no colon': 'upload',
    'no prefix': ':1',
    nothing: '',
    'a lone surrogate': 'upload:\ud800',
    'a number': 42,
    'nothing at all': undefined,
    'a symbol': Symbol('upload:1'),
    'a list': ['upload:1', 'upload:2'],
  };
  for (const [what, name] of Object.entries(names)) {
    it(`are not sent: ${what}`, async () => {
      await connect();
      const early = sluice.subscribe(name);
      sluice.subscribe('upload:1');
      await FakeSocket.last.admits();
      const late = sluice.subscribe(name);
      early();
      late();
      await turns();
      assert.deepEqual(said(), [{ action: 'subscribe', channels: ['upload:1'], id: 'subscribe' }]);
      assert.equal(told.length, 2);
      for (const [kind, { code, channel }] of told) {
        assert.deepEqual([kind, code, channel], ['error', 'bad_channel', String(name)]);
      }
    });
  }

  it('include those that do not fit into a message', async () => {
    await connect({ maxFrame: 200 });
    await FakeSocket.last.admits();
    sluice.subscribe(`upload:${'x'.repeat(200)}`);
    await turns();
    assert.deepEqual(said(), []);
    assert.equal(told[0][1].code, 'bad_channel');
  });

  it('do not include the longest and the oddest valid names', async () => {
    await connect();
    await FakeSocket.last.admits();
    const all = ['x'.repeat(256), 'ü'.repeat(128), '\ud83d\ude00'.repeat(64), ':::', ' ', '\u0000', '*'];
    const channels = all.map((id) => `upload:${id}`);
    channels.forEach((channel) => sluice.subscribe(channel));
    await turns();
    assert.deepEqual(
      said().flatMap(({ channels }) => channels),
      channels,
    );
    assert.deepEqual(told, []);
  });
});

describe('many channels', () => {
  it('are sent in messages that the server accepts, however long they are as JSON', async () => {
    await connect({ maxFrame: 8_192 });
    const channels = Array.from({ length: 120 }, (_, i) => `upload:${'\u0001'.repeat(250)}${i}`);
    channels.forEach((channel) => sluice.subscribe(channel));
    await FakeSocket.last.admits();
    assert.deepEqual(
      said().flatMap(({ channels }) => channels),
      channels,
    );
    for (const message of said()) assert.ok(Buffer.byteLength(JSON.stringify(message)) <= 8_192);
    assert.ok(said().length < 30, 'as many as fit');
  });

  it('are sent more slowly after 4029', async () => {
    await connect({ maxDelay: 10 });
    const channels = Array.from({ length: 500 }, (_, i) => `upload:${i}`);
    channels.forEach((channel) => sluice.subscribe(channel));
    await FakeSocket.last.admits();
    const asked = () => said().flatMap(({ channels }) => channels);
    assert.equal(asked().length, 500);
    FakeSocket.last.ends(4029);
    while (FakeSocket.all.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await FakeSocket.last.admits();
    assert.equal(asked().length, 400);
    sluice.subscribe('upload:one more');
    while (asked().length < 501) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(asked(), [...channels, 'upload:one more']);
  });
});

describe('the module', () => {
  it('sends no auth message without token()', async () => {
    await connect({ token: undefined });
    await FakeSocket.last.admits();
    assert.deepEqual(FakeSocket.last.sent, []);
    assert.deepEqual(sluice.state, { name: 'open', user: '7' });
  });

  for (const [url, page, expected] of [
    ['/ws', 'https://app.example.org/some/page', 'wss://app.example.org/ws'],
    ['/ws', 'http://localhost:8080/', 'ws://localhost:8080/ws'],
    ['wss://push.example.org/ws', 'https://app.example.org/', 'wss://push.example.org/ws'],
    [new URL('http://localhost:8080/ws'), undefined, 'ws://localhost:8080/ws'],
  ]) {
    it(`resolves ${url} from ${page}`, async () => {
      globalThis.location = page && { href: page };
      try {
        sluice = new Sluice(url, { WebSocket: FakeSocket });
        await turns();
        assert.equal(FakeSocket.last.url, expected);
      } finally {
        delete globalThis.location;
      }
    });
  }

  it('does nothing after close(), in any state', async () => {
    for (const closeIn of ['connecting', 'open', 'waiting']) {
      const states = [];
      await connect({
        onState: ({ name }) => {
          states.push(name);
          if (name === closeIn) sluice.close();
        },
      });
      if (closeIn !== 'connecting') await FakeSocket.last.admits();
      if (closeIn === 'waiting') FakeSocket.last.ends(1006);
      await turns();
      assert.equal(states.at(-1), 'closed');
      assert.equal(states.at(-2), closeIn);
      sluice.subscribe('upload:1');
      assert.equal(await sluice.refresh(), false);
      FakeSocket.last?.says('late');
      assert.deepEqual(told, []);
    }
  });

  it('reports no gap after close()', async () => {
    let opened = 0;
    await connect({ firstDelay: 0, onState: ({ name }) => name === 'open' && ++opened === 2 && sluice.close() });
    await FakeSocket.last.admits();
    FakeSocket.last.ends(1006);
    while (FakeSocket.all.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await FakeSocket.last.admits();
    assert.equal(opened, 2);
    assert.deepEqual(told, []);
  });

  it('never connects if it is closed at once', async () => {
    sluice = new Sluice('ws://localhost/ws', { WebSocket: FakeSocket });
    sluice.close();
    await turns();
    assert.equal(FakeSocket.all.length, 0);
  });

  it('requests one token if it lives longer than the longest timer', async () => {
    let asked = 0;
    const exp = Date.now() / 1000 + 100 * 86_400;
    const token = `e30.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.x`;
    await connect({ heartbeat: Infinity, token: () => (asked++, token) });
    await FakeSocket.last.admits();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(asked, 1);
  });
});
