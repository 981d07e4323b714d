// Version 2 of the protocol, resume and fallback, over real sockets against a server that the test scripts.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { Sluice } from '../sluice.js';

const ERA = '18f3c00-9a1b';
const at = (offset, era = ERA) => `${era}.${offset}.abc`;

/**
 * A server. `select(offered, upgrade)` returns the subprotocol, `''` for none, or a status with which to refuse the upgrade.
 */
async function serve(t, select = () => 'sluice.v2') {
  const http = createServer();
  const server = new WebSocketServer({ noServer: true, handleProtocols: () => http.selected || false });
  const arrived = [];
  const waiting = [];
  const upgrades = [];
  http.on('upgrade', (request, socket, head) => {
    const offered = request.headers['sec-websocket-protocol']?.split(/, */) ?? [];
    upgrades.push(offered);
    http.selected = select(offered, upgrades.length);
    if (typeof http.selected === 'number') return socket.end(`HTTP/1.1 ${http.selected} Refused\r\nContent-Length: 0\r\n\r\n`);
    server.handleUpgrade(request, socket, head, (peer) => {
      const connection = new Connection(peer, request.url);
      if (waiting.length > 0) waiting.shift()(connection);
      else arrived.push(connection);
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => {
    for (const peer of server.clients) peer.terminate();
    http.close();
  });
  return {
    url: `ws://127.0.0.1:${http.address().port}/ws`,
    upgrades,
    peers: () => server.clients,
    /** The next connection, in the order of their upgrades. */
    connection: () => arrived.shift() ?? new Promise((resolve) => waiting.push(resolve)),
  };
}

class Connection {
  #messages = [];
  #waiting = [];

  constructor(peer, url) {
    this.peer = peer;
    this.url = url;
    peer.on('message', (data) => {
      const message = JSON.parse(data);
      if (this.#waiting.length > 0) this.#waiting.shift()(message);
      else this.#messages.push(message);
    });
  }

  /** The client's next message. */
  next() {
    return this.#messages.shift() ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  says(message) {
    this.peer.send(JSON.stringify(message));
  }

  publishes(header, payload) {
    this.peer.send(`${JSON.stringify(header)}\n${payload}`);
  }

  async admits(answer = {}) {
    const auth = await this.next();
    this.says({ action: 'auth_success', user_id: '7', ...answer });
    return auth;
  }

  /** Takes one subscribe message and answers each of its channels. */
  async subscribes(answer = {}) {
    const message = await this.next();
    assert.equal(message.action, 'subscribe');
    for (const channel of message.channels) {
      this.says({ action: 'subscribed', channel, id: message.id, ...(typeof answer === 'function' ? answer(channel) : answer) });
    }
    return message;
  }

  cuts() {
    this.peer.terminate();
  }
}

function page(t, url, options = {}) {
  const told = { message: [], gap: [], error: [], subscribed: [], presence: [], state: [] };
  let changed = () => {};
  const note = (name) => (what, from) => {
    told[name].push(from === undefined ? what : [what, from.channel]);
    changed();
  };
  const sluice = new Sluice(url, {
    WebSocket,
    token: () => 'token',
    firstDelay: 1,
    maxDelay: 20,
    onMessage: note('message'),
    onGap: note('gap'),
    onError: note('error'),
    onSubscribed: note('subscribed'),
    onPresence: note('presence'),
    onState: note('state'),
    ...options,
  });
  t.after(() => sluice.close());
  return {
    sluice,
    told,
    async until(condition) {
      while (!condition(told)) await new Promise((resolve) => (changed = resolve));
    },
    messages: () => told.message.map(([data]) => data),
  };
}

/** A page that hears `upload:1` and `upload:2` by one connection, at the position 100. */
async function listening(t, options = {}) {
  const server = await serve(t);
  const alice = page(t, server.url, options);
  alice.sluice.subscribe('upload:1');
  alice.sluice.subscribe('upload:2');
  const connection = await server.connection();
  assert.equal((await connection.admits({ at: at(90) })).since, undefined);
  assert.equal((await connection.subscribes({ at: at(100) })).since, undefined);
  await alice.until(({ subscribed }) => subscribed.length === 2);
  return { server, alice, connection };
}

/** Ends when the page has handled everything that was sent before. */
async function settled(alice, connection) {
  const text = `settled ${Math.random()}`;
  connection.publishes({ channel: 'user:7' }, text);
  await alice.until(({ message }) => message.at(-1)?.[0] === text);
  alice.told.message.pop();
}

describe('presence', { timeout: 20_000 }, () => {
  const channel = 'team:red';
  const present = (users, complete = true) => ({ action: 'presence', channel, scope: 'fleet', users, complete });

  it('is asked for and told at first, with each change and after a reconnect', async (t) => {
    const server = await serve(t);
    const alice = page(t, server.url);
    alice.sluice.subscribe('upload:1');
    alice.sluice.subscribe(channel, { presence: true });
    let connection = await server.connection();
    await connection.admits();
    const messages = [await connection.subscribes(), await connection.subscribes()];
    assert.deepEqual(
      messages.map(({ channels, presence }) => [channels, presence]),
      [
        [['upload:1'], undefined],
        [[channel], true],
      ],
    );
    connection.says(present(['7', '8']));
    connection.says({ action: 'join', channel, user: '9' });
    connection.says({ action: 'leave', channel, user: '8' });
    await alice.until(({ presence }) => presence.length === 3);
    connection.cuts();
    connection = await server.connection();
    await connection.admits();
    await connection.subscribes();
    assert.equal((await connection.subscribes()).presence, true);
    connection.says(present(['7'], false));
    await alice.until(({ presence }) => presence.length === 4);
    assert.deepEqual(alice.told.presence, [
      { channel, users: ['7', '8'], complete: true },
      { channel, users: ['7', '8', '9'], complete: true, joined: '9' },
      { channel, users: ['7', '9'], complete: true, left: '8' },
      { channel, users: ['7'], complete: false },
    ]);
  });

  it('is told while a subscriber wants it, and asked for by a later one', async (t) => {
    const server = await serve(t);
    const alice = page(t, server.url);
    alice.sluice.subscribe(channel);
    const connection = await server.connection();
    await connection.admits();
    assert.equal((await connection.subscribes()).presence, undefined);
    connection.says(present(['unasked']));
    await settled(alice, connection);
    const end = alice.sluice.subscribe(channel, { presence: true });
    assert.equal((await connection.subscribes()).presence, true);
    connection.says(present(['7']));
    await alice.until(({ presence }) => presence.length === 1);
    end();
    connection.says({ action: 'join', channel, user: '8' });
    await settled(alice, connection);
    assert.deepEqual(alice.told.presence, [{ channel, users: ['7'], complete: true }]);
  });

  it('that the route does not have is an error, and the subscription stands', async (t) => {
    const server = await serve(t);
    const alice = page(t, server.url);
    alice.sluice.subscribe(channel, { presence: true });
    let connection = await server.connection();
    await connection.admits();
    await connection.subscribes();
    const error = { code: 'unknown_action', message: 'the channel has no presence', channel };
    connection.says({ action: 'error', ...error });
    await alice.until(({ error: errors }) => errors.length === 1);
    assert.deepEqual(alice.told.error, [error]);
    connection.cuts();
    connection = await server.connection();
    await connection.admits();
    const again = await connection.subscribes();
    assert.deepEqual([again.channels, again.presence], [[channel], undefined]);
  });

  it('is not asked for in version 1', async (t) => {
    const server = await serve(t, () => 'sluice.v1');
    page(t, server.url).sluice.subscribe(channel, { presence: true });
    const connection = await server.connection();
    await connection.admits();
    assert.equal((await connection.subscribes()).presence, undefined);
  });
});

describe('a publication in version 2', { timeout: 20_000 }, () => {
  for (const [what, payload] of Object.entries({
    text: '{"progress_percent":50}',
    'without content': '',
    'with line feeds': '\nfirst\n\nsecond\n',
    'like a control message': '{"action":"gap","since":"x","until":null}',
    'like a header': '{"channel":"upload:2","at":"x"}\n{}',
  })) {
    it(`reaches the page with its channel: ${what}`, async (t) => {
      const { alice, connection } = await listening(t);
      connection.publishes({ channel: 'upload:1', at: at(101), later: { version: [3] } }, payload);
      await alice.until(({ message }) => message.length === 1);
      assert.deepEqual(alice.told.message, [[payload, 'upload:1']]);
      assert.deepEqual(alice.told.gap, []);
    });
  }

  it('reaches the page as bytes if it is binary', async (t) => {
    const { server, alice, connection } = await listening(t);
    const payload = Buffer.from([0xff, 0x0a, 0x00, 0x0a]);
    connection.peer.send(Buffer.concat([Buffer.from(`{"channel":"upload:\u00fc","at":"${at(101)}"}\n`), payload]));
    await alice.until(({ message }) => message.length === 1);
    const [[data, channel]] = alice.told.message;
    assert.ok(data instanceof ArrayBuffer);
    assert.deepEqual(Buffer.from(data), payload);
    assert.equal(channel, 'upload:ü');
    connection.cuts();
    assert.equal((await (await server.connection()).admits()).since, at(101));
  });

  it('is dropped if it is not newer than the last of its channel', async (t) => {
    const { alice, connection } = await listening(t);
    for (const [channel, position, payload] of [
      ['upload:1', { at: at(105) }, 'first'],
      ['upload:1', { at: at(105) }, 'the same'],
      ['upload:1', { pos: at(104) }, 'older'],
      ['upload:2', { pos: at(104) }, 'another channel'],
      ['upload:1', { pos: at(106) }, 'newer'],
      ['upload:1', { at: at(106) }, 'the same again'],
      ['upload:1', { at: at(3, 'another-era') }, 'another era'],
      ['upload:1', { at: at(20, 'another-era') }, 'with more digits'],
      ['upload:1', {}, 'without a position'],
      ['upload:1', { pos: 'not-a-number.x.y' }, 'of another form'],
    ]) {
      connection.publishes({ channel, ...position }, payload);
    }
    await settled(alice, connection);
    assert.deepEqual(alice.messages(), [
      'first',
      'another channel',
      'newer',
      'another era',
      'with more digits',
      'without a position',
      'of another form',
    ]);
  });

  it('is remembered for 4,096 channels', async (t) => {
    const { alice, connection } = await listening(t);
    for (let i = 0; i < 5_000; i++) connection.publishes({ channel: `user:${i}`, pos: at(200 + i) }, 'first');
    for (const i of [0, 4_999]) connection.publishes({ channel: `user:${i}`, pos: at(200 + i) }, 'again');
    await settled(alice, connection);
    assert.deepEqual(alice.told.message.slice(5_000), [['again', 'user:0']]);
  });

  it('of a channel that is subscribed to anew is not compared with earlier ones', async (t) => {
    const { alice, connection } = await listening(t);
    const end = alice.sluice.subscribe('upload:3');
    await connection.subscribes();
    connection.publishes({ channel: 'upload:3', at: at(110) }, 'newest');
    await settled(alice, connection);
    end();
    assert.equal((await connection.next()).action, 'unsubscribe');
    connection.says({ action: 'unsubscribed', channel: 'upload:3', id: 'unsubscribe' });
    alice.sluice.subscribe('upload:3');
    await connection.subscribes({ retained: true });
    connection.publishes({ channel: 'upload:3', pos: at(110) }, 'newest');
    await settled(alice, connection);
    assert.deepEqual(alice.messages(), ['newest', 'newest']);
  });
});

describe('a channel that is a stream', { timeout: 20_000 }, () => {
  /** A page that hears the stream `result:1` from the entry 1000-0 on, and `upload:1` from the position 100 on. */
  async function reading(t) {
    const server = await serve(t);
    const alice = page(t, server.url);
    alice.sluice.subscribe('upload:1');
    alice.sluice.subscribe('result:1');
    const connection = await server.connection();
    await connection.admits({ at: at(90) });
    await connection.subscribes((channel) => ({ at: channel === 'result:1' ? '1000-0' : at(100) }));
    await alice.until(({ subscribed }) => subscribed.length === 2);
    return { server, alice, connection };
  }

  /** The positions of both channels in the subscriptions of the next connection, which the server answers. */
  async function resumed(server, answer = { recovered: true }) {
    const again = await server.connection();
    await again.admits({ recovered: true });
    const since = {};
    while (Object.keys(since).length < 2) {
      const message = await again.subscribes((channel) => (channel === 'result:1' ? answer : { recovered: true }));
      for (const channel of message.channels) since[channel] = message.since;
    }
    return { again, since };
  }

  it('resumes from its last entry, and others from the last at', async (t) => {
    const { server, alice, connection } = await reading(t);
    connection.publishes({ channel: 'result:1', id: '1001-0' }, 'one');
    connection.says({ action: 'mark', at: at(120) });
    connection.publishes({ channel: 'result:1', id: '1001-1' }, 'two');
    await settled(alice, connection);
    connection.cuts();
    const { again, since } = await resumed(server);
    assert.deepEqual(since, { 'upload:1': at(120), 'result:1': '1001-1' });
    again.publishes({ channel: 'result:1', id: '1002-0' }, 'three');
    await settled(alice, again);
    again.cuts();
    assert.deepEqual((await resumed(server)).since, { 'upload:1': at(120), 'result:1': '1002-0' });
    assert.deepEqual(alice.messages(), ['one', 'two', 'three']);
    assert.deepEqual(alice.told.gap, []);
  });

  it('resumes from the at of its subscription if there was no entry', async (t) => {
    const { server, connection } = await reading(t);
    connection.cuts();
    assert.equal((await resumed(server)).since['result:1'], '1000-0');
  });

  it('resumes the own streams of the user, which the server names', async (t) => {
    const server = await serve(t);
    const alice = page(t, server.url);
    const first = await server.connection();
    assert.equal((await first.admits({ at: at(90), ids: { 'user:7': '1000-0', 'alert:7': '0-1' } })).ids, undefined);
    first.publishes({ channel: 'user:7', id: '1001-0' }, 'one');
    await settled(alice, first);
    first.cuts();
    const second = await server.connection();
    const { since, ids } = await second.admits({ recovered: true });
    assert.deepEqual({ since, ids }, { since: at(90), ids: { 'user:7': '1001-0', 'alert:7': '0-1' } });
    second.publishes({ channel: 'user:7', id: '1001-0' }, 'one');
    second.publishes({ channel: 'alert:7', id: '900-0' }, 'two');
    await settled(alice, second);
    assert.deepEqual(alice.messages(), ['one', 'two']);
    assert.deepEqual(alice.told.gap, []);
    second.cuts();
    const third = await server.connection();
    assert.deepEqual((await third.admits({ recovered: false, ids: { 'alert:7': '5-0' } })).ids, {
      'user:7': '1001-0',
      'alert:7': '900-0',
    });
    await settled(alice, third);
    assert.equal(alice.told.gap.length, 1);
    third.cuts();
    assert.deepEqual((await (await server.connection()).admits({ recovered: true })).ids, { 'alert:7': '5-0' });
  });

  it('sends the last entries of own streams in the URL if a cookie authenticates', async (t) => {
    const server = await serve(t);
    const alice = page(t, server.url, { token: undefined });
    const first = await server.connection();
    first.says({ action: 'auth_success', user_id: '7', ids: { 'user:7': '1000-0' } });
    await alice.until(({ state }) => state.at(-1).name === 'open');
    first.cuts();
    const again = await server.connection();
    assert.equal(new URL(again.url, server.url).searchParams.get('ids'), '{"user:7":"1000-0"}');
  });

  it('drops entries that are not newer than its last', async (t) => {
    const { alice, connection } = await reading(t);
    for (const id of ['1001-0', '1001-0', '1000-9', '1001-2', '1001-10', '1001-9', '999-99', '9999-0', '10000-0']) {
      connection.publishes({ channel: 'result:1', id }, id);
    }
    connection.publishes({ channel: 'result:2', id: '1000-0' }, 'another channel');
    // The greatest numbers that Redis has.
    for (const id of ['18446744073709551615-18446744073709551614', '18446744073709551615-18446744073709551615']) {
      connection.publishes({ channel: 'result:1', id }, id.slice(-2));
    }
    await settled(alice, connection);
    assert.deepEqual(alice.messages(), ['1001-0', '1001-2', '1001-10', '9999-0', '10000-0', 'another channel', '14', '15']);
  });

  it('keeps its position in a gap of other channels', async (t) => {
    const { server, alice, connection } = await reading(t);
    connection.publishes({ channel: 'result:1', id: '1001-0' }, 'one');
    connection.says({ action: 'gap', since: '2026-11-24T12:00:00Z', until: '2026-11-24T12:00:01Z' });
    await settled(alice, connection);
    connection.cuts();
    assert.deepEqual((await resumed(server)).since, { 'upload:1': undefined, 'result:1': '1001-0' });
  });

  it('accepts lower entries after its own gap, of which the page is told', async (t) => {
    const { server, alice, connection } = await reading(t);
    connection.publishes({ channel: 'result:1', id: '1001-0' }, 'one');
    const gap = { since: '2026-11-24T12:00:00Z', until: '2026-11-24T12:00:01Z', channel: 'result:1' };
    connection.says({ action: 'gap', ...gap });
    connection.publishes({ channel: 'result:1', id: '900-0' }, 'two');
    await settled(alice, connection);
    assert.deepEqual(alice.messages(), ['one', 'two']);
    assert.deepEqual(alice.told.gap, [gap]);
    connection.cuts();
    assert.deepEqual((await resumed(server)).since, { 'upload:1': at(100), 'result:1': '900-0' });
  });

  it('begins anew where it is not recovered, and the page is told of a gap', async (t) => {
    const { server, alice, connection } = await reading(t);
    connection.publishes({ channel: 'result:1', id: '1001-0' }, 'one');
    await settled(alice, connection);
    connection.cuts();
    const { again } = await resumed(server, { recovered: false });
    again.publishes({ channel: 'result:1', id: '5-0' }, 'two');
    await settled(alice, again);
    assert.equal(alice.told.gap.length, 1);
    again.cuts();
    assert.deepEqual((await resumed(server)).since, { 'upload:1': at(100), 'result:1': '5-0' });
    assert.deepEqual(alice.messages(), ['one', 'two']);
  });

  it('subscribes again without the position if the server refuses it', async (t) => {
    const { server, connection } = await reading(t);
    connection.cuts();
    const again = await server.connection();
    await again.admits({ recovered: true });
    const since = [];
    for (let i = 0; i < 2; i++) since.push((await again.next()).since);
    assert.ok(since.includes('1000-0'), since);
    again.says({ action: 'error', code: 'bad_message', message: 'since', id: 'subscribe' });
    assert.equal((await again.next()).since, undefined);
  });
});

describe('a control message in version 2', { timeout: 20_000 }, () => {
  it('is ignored if it is unknown', async (t) => {
    const { alice, connection } = await listening(t);
    for (const message of ['{"action":"new"}', '{}', 'null', '7', 'no JSON', '']) connection.peer.send(message);
    connection.says({ action: 'pong', id: 'another' });
    await settled(alice, connection);
    assert.deepEqual(alice.told.message, []);
    assert.deepEqual(alice.told.error, []);
    assert.equal(alice.sluice.state.name, 'open');
  });
});

describe('a client that reconnects', { timeout: 20_000 }, () => {
  for (const [what, send] of Object.entries({
    'a publication': (connection) => connection.publishes({ channel: 'upload:1', at: at(120) }, ''),
    'a duplicate': (connection) => {
      connection.publishes({ channel: 'upload:1', pos: at(120) }, '');
      connection.publishes({ channel: 'upload:1', at: at(120) }, '');
    },
    'a mark': (connection) => connection.says({ action: 'mark', at: at(120) }),
    'a message with an unknown action': (connection) => connection.says({ action: 'new', at: at(120) }),
    'an older one after it': (connection) => {
      connection.says({ action: 'mark', at: at(130) });
      connection.says({ action: 'mark', at: at(120) });
    },
    'publications with pos after it': (connection) => {
      connection.says({ action: 'mark', at: at(120) });
      connection.publishes({ channel: 'upload:1', pos: at(125) }, '');
    },
  })) {
    it(`resumes from the last at, here of ${what}`, async (t) => {
      const { server, alice, connection } = await listening(t);
      send(connection);
      await settled(alice, connection);
      connection.cuts();
      const again = await server.connection();
      assert.deepEqual(await again.admits({ recovered: true }), { type: 'auth', token: 'token', since: at(120) });
      assert.deepEqual(await again.subscribes({ recovered: true }), {
        action: 'subscribe',
        channels: ['upload:1', 'upload:2'],
        since: at(120),
        id: 'subscribe',
      });
    });
  }

  it('receives the missed publications once and reports no gap', async (t) => {
    const { server, alice, connection } = await listening(t);
    connection.publishes({ channel: 'upload:1', at: at(110) }, 'one');
    // The server sent the held-back publications before it, so it sends this one again.
    connection.publishes({ channel: 'upload:2', pos: at(115) }, 'two');
    await settled(alice, connection);
    connection.cuts();
    const again = await server.connection();
    await again.admits({ recovered: true });
    await again.subscribes({ recovered: true });
    again.publishes({ channel: 'upload:2', pos: at(115) }, 'two');
    again.publishes({ channel: 'user:7', pos: at(116) }, 'three');
    again.publishes({ channel: 'upload:1', pos: at(117) }, 'four');
    again.says({ action: 'mark', at: at(117) });
    again.publishes({ channel: 'upload:1', at: at(118) }, 'five');
    await settled(alice, again);
    assert.deepEqual(alice.messages(), ['one', 'two', 'three', 'four', 'five']);
    assert.deepEqual(alice.told.gap, []);
  });

  it('sends the position in the URL if a cookie authenticates', async (t) => {
    const server = await serve(t);
    const alice = page(t, `${server.url}?a=b`, { token: undefined });
    const first = await server.connection();
    assert.equal(first.url, '/ws?a=b');
    first.says({ action: 'auth_success', user_id: '7', at: at(100, 'a+b') });
    await alice.until(({ state }) => state.at(-1).name === 'open');
    first.cuts();
    const again = await server.connection();
    assert.equal(new URL(again.url, server.url).searchParams.get('since'), at(100, 'a+b'));
    assert.equal(new URL(again.url, server.url).searchParams.get('a'), 'b');
    again.says({ action: 'auth_success', user_id: '7', recovered: true });
    await settled(alice, again);
    assert.deepEqual(alice.told.gap, []);
  });

  it('subscribes to new channels without a position', async (t) => {
    const { server, alice, connection } = await listening(t);
    connection.cuts();
    alice.sluice.subscribe('upload:3');
    const again = await server.connection();
    await again.admits({ recovered: true });
    const messages = [await again.subscribes({ recovered: true }), await again.subscribes({ at: at(130), retained: true })];
    messages.sort((a, b) => a.channels.length - b.channels.length);
    assert.deepEqual(
      messages.map(({ channels, since }) => [channels, since]),
      [
        [['upload:3'], undefined],
        [['upload:1', 'upload:2'], at(100)],
      ],
    );
  });

  it('keeps the old position until all its channels are answered', async (t) => {
    const { server, alice, connection } = await listening(t);
    connection.cuts();
    const second = await server.connection();
    await second.admits({ recovered: true });
    await second.next();
    second.says({ action: 'subscribed', channel: 'upload:1', recovered: true, id: 'subscribe' });
    second.publishes({ channel: 'upload:1', pos: at(110) }, 'one');
    second.says({ action: 'mark', at: at(120) });
    await settled(alice, second);
    second.cuts();
    const third = await server.connection();
    assert.equal((await third.admits({ recovered: true })).since, at(100));
    assert.deepEqual(await third.subscribes({ recovered: true }), {
      action: 'subscribe',
      channels: ['upload:1', 'upload:2'],
      since: at(100),
      id: 'subscribe',
    });
    third.publishes({ channel: 'upload:1', pos: at(110) }, 'one');
    third.publishes({ channel: 'upload:2', pos: at(111) }, 'two');
    third.says({ action: 'mark', at: at(130) });
    await settled(alice, third);
    assert.deepEqual(alice.messages(), ['one', 'two']);
    assert.deepEqual(alice.told.gap, []);
    third.cuts();
    const fourth = await server.connection();
    assert.equal((await fourth.admits({ recovered: true })).since, at(130));
    assert.equal((await fourth.subscribes({ recovered: true })).since, at(130));
  });

  it('keeps the old position until the replay has ended', async (t) => {
    const { server, alice, connection } = await listening(t);
    connection.cuts();
    const second = await server.connection();
    // An older server may name a position before it knows that the client resumes.
    await second.admits({ recovered: true, at: at(120) });
    await second.subscribes({ recovered: true });
    second.publishes({ channel: 'upload:1', pos: at(110) }, 'one');
    await settled(alice, second);
    second.cuts();
    const third = await server.connection();
    assert.equal((await third.admits({ recovered: true })).since, at(100));
    assert.equal((await third.subscribes({ recovered: true })).since, at(100));
  });

  for (const [what, user, one, two] of [
    ['its own channels', false, true, true],
    ['one of its channels', true, false, true],
    ['nothing', false, false, false],
    ['channels of a server that does not resume', undefined, undefined, undefined],
  ]) {
    it(`is told one gap where recovered is false for ${what}, when all are answered`, async (t) => {
      const { server, alice, connection } = await listening(t);
      connection.publishes({ channel: 'upload:1', at: at(110) }, 'one');
      await settled(alice, connection);
      connection.cuts();
      const again = await server.connection();
      const answer = (recovered, offset) => ({ recovered, ...(recovered ? {} : { at: at(offset, 'new-era') }) });
      await again.admits(answer(user, 1));
      await again.next();
      again.says({ action: 'subscribed', channel: 'upload:1', ...answer(one, 2) });
      await settled(alice, again);
      assert.deepEqual(alice.told.gap, []);
      again.says({ action: 'subscribed', channel: 'upload:2', ...answer(two, 3) });
      await alice.until(({ gap }) => gap.length === 1);
      const [{ since, until }] = alice.told.gap;
      assert.ok(since <= until);
      again.says({ action: 'mark', at: at(9, 'new-era') });
      await settled(alice, again);
      again.cuts();
      const later = await server.connection();
      assert.equal((await later.admits({ recovered: true })).since, at(9, 'new-era'));
      assert.equal((await later.subscribes({ recovered: true })).since, at(9, 'new-era'));
      await settled(alice, later);
      assert.equal(alice.told.gap.length, 1);
    });
  }

  it('accepts lower positions of the same era after recovered is false', async (t) => {
    const { server, alice, connection } = await listening(t);
    connection.publishes({ channel: 'upload:1', at: at(110) }, 'one');
    connection.publishes({ channel: 'user:7', at: at(111) }, 'two');
    await settled(alice, connection);
    connection.cuts();
    const again = await server.connection();
    await again.admits({ recovered: false, at: at(1) });
    await again.subscribes({ recovered: false, at: at(1) });
    again.publishes({ channel: 'upload:1', at: at(2) }, 'three');
    again.publishes({ channel: 'user:7', at: at(3) }, 'four');
    await settled(alice, again);
    assert.deepEqual(alice.messages(), ['one', 'two', 'three', 'four']);
  });

  it('has no position after recovered is false without a new one', async (t) => {
    const { server, alice, connection } = await listening(t);
    connection.cuts();
    const second = await server.connection();
    await second.admits({ recovered: false });
    await second.subscribes({ recovered: false });
    await alice.until(({ gap }) => gap.length === 1);
    second.cuts();
    const third = await server.connection();
    assert.equal((await third.admits()).since, undefined);
    assert.equal((await third.subscribes()).since, undefined);
    await alice.until(({ gap }) => gap.length === 2);
  });

  it('drops a position of this connection if recovered is false without a new one', async (t) => {
    const { server, alice, connection } = await listening(t);
    connection.cuts();
    const second = await server.connection();
    await second.admits({ recovered: false, at: at(120) });
    await second.subscribes({ recovered: false });
    await alice.until(({ gap }) => gap.length === 1);
    second.cuts();
    assert.equal((await (await server.connection()).admits()).since, undefined);
  });

  it('resumes a new channel from the last known position if its answer had none', async (t) => {
    const { server, alice, connection } = await listening(t);
    connection.cuts();
    alice.sluice.subscribe('upload:3');
    const second = await server.connection();
    await second.admits({ recovered: true });
    await second.subscribes({});
    await second.subscribes({ recovered: true });
    await settled(alice, second);
    second.cuts();
    const third = await server.connection();
    await third.admits({ recovered: true });
    const { channels, since } = await third.subscribes({ recovered: true });
    assert.deepEqual([channels.length, since], [3, at(100)]);
    await settled(alice, third);
    assert.deepEqual(alice.told.gap, []);
  });

  it('has no position after a gap, until the next at', async (t) => {
    const { server, alice, connection } = await listening(t);
    connection.publishes({ channel: 'upload:1', at: at(110) }, 'one');
    connection.says({ action: 'gap', since: '2026-11-24T12:00:00Z', until: null });
    connection.publishes({ channel: 'upload:1', pos: at(5) }, 'two');
    await settled(alice, connection);
    assert.deepEqual(alice.messages(), ['one', 'two']);
    assert.deepEqual(alice.told.gap, [{ since: '2026-11-24T12:00:00Z', until: null }]);
    connection.cuts();
    const second = await server.connection();
    assert.equal((await second.admits({ at: at(8) })).since, undefined);
    assert.equal((await second.subscribes({ at: at(8) })).since, undefined);
    await alice.until(({ gap }) => gap.length === 2);
    second.says({ action: 'gap', since: '2026-11-24T12:00:00Z', until: '2026-11-24T12:00:01Z' });
    second.says({ action: 'mark', at: at(9) });
    await settled(alice, second);
    second.cuts();
    const third = await server.connection();
    assert.equal((await third.admits({ recovered: true })).since, at(9));
    assert.equal((await third.subscribes({ recovered: true })).since, at(9));
    await settled(alice, third);
    assert.equal(alice.told.gap.length, 3);
  });

  it('resumes a channel later after the error unavailable', async (t) => {
    const { server, alice, connection } = await listening(t);
    connection.cuts();
    const again = await server.connection();
    await again.admits({ recovered: true });
    const { id } = await again.next();
    again.says({ action: 'error', code: 'unavailable', message: 'not now', channel: 'upload:1', id });
    again.says({ action: 'subscribed', channel: 'upload:2', recovered: true, id });
    again.says({ action: 'mark', at: at(120) });
    const { channels, since } = await again.subscribes({ recovered: true });
    assert.deepEqual([channels, since], [['upload:1'], at(100)]);
    await settled(alice, again);
    assert.deepEqual(alice.told.gap, []);
  });

  it('drops a position that the server refuses in a subscription', async (t) => {
    const { server, alice, connection } = await listening(t);
    connection.cuts();
    const again = await server.connection();
    await again.admits({ recovered: true });
    const { id } = await again.next();
    again.says({ action: 'error', code: 'bad_message', message: 'since is no position', id });
    assert.equal((await again.subscribes()).since, undefined);
    await alice.until(({ gap }) => gap.length === 1);
  });

  for (const [how, refuse] of Object.entries({
    error: (connection) => connection.says({ action: 'error', code: 'bad_message', message: 'since is no position' }),
    close: (connection) => connection.peer.close(4002, 'since is no position'),
  })) {
    it(`does without a position that the server refuses at authentication with ${how}`, async (t) => {
      const { server, alice, connection } = await listening(t);
      connection.cuts();
      const refusing = await server.connection();
      assert.equal((await refusing.next()).since, at(100));
      refuse(refusing);
      const again = await server.connection();
      assert.equal((await again.admits()).since, undefined);
      await again.subscribes();
      await alice.until(({ gap }) => gap.length === 1);
    });
  }

  it('ignores invalid positions', async (t) => {
    const { server, alice, connection } = await listening(t);
    for (const no of ['', 'x'.repeat(97), 'with space', 'ü', 7, null, { a: 1 }]) connection.says({ action: 'mark', at: no });
    await settled(alice, connection);
    connection.cuts();
    assert.equal((await (await server.connection()).admits()).since, at(100));
  });

  it('omits the position if it would not fit into the message with the token', async (t) => {
    const token = 'x'.repeat(400);
    const { server, connection } = await listening(t, { token: () => token, maxFrame: 455 });
    connection.cuts();
    assert.deepEqual(await (await server.connection()).next(), { type: 'auth', token });
  });
});

describe('a server without version 2', { timeout: 20_000 }, () => {
  for (const [what, select, upgrades] of [
    ['chooses version 1', () => 'sluice.v1', 1],
    ['chooses none', () => '', 4],
    ['refuses unknown subprotocols', (offered) => (offered.includes('sluice.v2') ? 400 : ''), 4],
    ['refuses all subprotocols', (offered) => (offered.length > 0 ? 400 : ''), 4],
  ]) {
    it(`that ${what} is spoken to in version 1`, async (t) => {
      const server = await serve(t, select);
      const alice = page(t, server.url);
      alice.sluice.subscribe('upload:1');
      const serving = async () => {
        for (;;) {
          const connection = await server.connection();
          const left = once(connection.peer, 'close').then(() => undefined);
          const auth = await Promise.race([connection.next(), left]);
          if (auth) {
            assert.deepEqual(auth, { type: 'auth', token: 'token' });
            connection.says({ action: 'auth_success', user_id: '7' });
            assert.equal((await connection.subscribes()).since, undefined);
            return connection;
          }
        }
      };
      const connection = await serving();
      assert.equal(server.upgrades.length, upgrades);
      for (const payload of ['{"channel":"upload:1","at":"x"}\ntext', '{"action":"mark","at":"x"}']) connection.peer.send(payload);
      await alice.until(({ message }) => message.length === 2);
      assert.deepEqual(alice.told.message, [
        ['{"channel":"upload:1","at":"x"}\ntext', undefined],
        ['{"action":"mark","at":"x"}', undefined],
      ]);
      connection.cuts();
      await serving();
      await alice.until(({ gap }) => gap.length === 1);
      assert.ok(server.upgrades.length <= 2 * upgrades);
      assert.deepEqual(server.upgrades[upgrades], ['sluice.v2', 'sluice.v1'], 'the server may have been updated');
    });
  }

  it('is not inferred from an outage', async (t) => {
    const server = await serve(t, (offered, upgrade) => (upgrade <= 3 ? 503 : offered.length > 0 ? 'sluice.v2' : ''));
    const alice = page(t, server.url);
    let connection;
    do connection = await server.connection();
    while (connection.peer.protocol !== 'sluice.v2');
    await connection.admits();
    connection.publishes({ channel: 'upload:1' }, 'text');
    await alice.until(({ message }) => message.length === 1);
    assert.deepEqual(alice.told.message, [['text', 'upload:1']]);
  });

  it('loses the positions of an earlier server with version 2', async (t) => {
    let chosen = 'sluice.v2';
    const server = await serve(t, () => chosen);
    const alice = page(t, server.url);
    await (await server.connection()).admits({ at: at(1) });
    await alice.until(({ state }) => state.at(-1).name === 'open');
    const connect = async (protocol, answer) => {
      const opened = alice.told.state.filter(({ name }) => name === 'open').length;
      chosen = protocol;
      for (const peer of server.peers()) peer.terminate();
      const connection = await server.connection();
      const auth = await connection.admits(answer);
      await alice.until(({ state }) => state.filter(({ name }) => name === 'open').length > opened);
      return auth;
    };
    assert.equal((await connect('sluice.v1')).since, undefined);
    await alice.until(({ gap }) => gap.length === 1);
    assert.equal((await connect('sluice.v2', { at: at(5) })).since, undefined);
    await alice.until(({ gap }) => gap.length === 2);
    assert.equal((await connect('sluice.v2', { recovered: true })).since, at(5));
    assert.equal(alice.told.gap.length, 2);
  });
});

describe('1007', { timeout: 20_000 }, () => {
  it('is final, because the client sent invalid text', async (t) => {
    const { alice, connection } = await listening(t);
    connection.peer.close(1007, 'invalid');
    await alice.until(({ state }) => state.at(-1).name === 'closed');
    assert.equal(alice.sluice.state.code, 1007);
  });
});
