// What components share, and the Vue composables, without a browser. ClientPackageIT opens both hooks in one.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { effectScope, nextTick, ref } from 'vue';
import { channelsOf } from '../channels.js';
import { Sluice } from '../sluice.js';
import { usePresence, useSluice } from '../vue.js';
import { FakeSocket, turns } from './fake.js';

let sluice;
let socket;

/** What was sent since the last call. */
const sent = () => socket.sent.splice(0).map(({ action, channels }) => [action, ...channels]);
const publishes = (channel, payload) => socket.says(`{"channel":"${channel}"}\n${payload}`);

beforeEach(async () => {
  FakeSocket.all = [];
  sluice = new Sluice('wss://app.example.org/ws', { WebSocket: FakeSocket, token: () => 'token' });
  await turns();
  socket = FakeSocket.last;
  socket.protocol = 'sluice.v2';
  await socket.admits();
  socket.sent.splice(0);
});

afterEach(() => sluice.close());

it('listeners hear what the functions in the options hear, until they end', () => {
  const heard = [];
  const end = sluice.listen({ onMessage: (data, { channel }) => heard.push([channel, data]), onGap: () => end() });
  publishes('upload:1', 'one');
  socket.says({ action: 'gap', since: 'x', until: null });
  publishes('upload:1', 'two');
  assert.deepEqual(heard, [['upload:1', 'one']]);
});

it('components of a stream hear of its gap alone', async () => {
  const heard = [];
  for (const name of ['result:1', 'result:2']) {
    channelsOf(sluice).join(name, false, { onGap: (gap) => heard.push([name, gap]) });
  }
  socket.says({ action: 'gap', since: 'x', until: 'y', channel: 'result:2' });
  assert.deepEqual(heard, [['result:2', { since: 'x', until: 'y' }]]);
});

it('components share a subscription and the last publication', async () => {
  const channels = channelsOf(sluice);
  const heard = [];
  const leaveFirst = channels.join('upload:1', false, { onMessage: (data) => heard.push(['first', data]) });
  await turns();
  assert.deepEqual(sent(), [['subscribe', 'upload:1']]);
  publishes('upload:1', 'one');
  const leaveSecond = channelsOf(sluice).join('upload:1', false, { onMessage: (data) => heard.push(['second', data]) });
  assert.equal(channels.last('upload:1'), 'one');
  publishes('upload:1', 'two');
  publishes('upload:2', 'not shown');
  leaveFirst();
  leaveFirst();
  publishes('upload:1', 'three');
  await turns();
  assert.deepEqual(sent(), []);
  leaveSecond();
  await turns();
  assert.deepEqual(sent(), [['unsubscribe', 'upload:1']]);
  assert.equal(channels.last('upload:1'), undefined);
  assert.deepEqual(heard, [
    ['first', 'one'],
    ['first', 'two'],
    ['second', 'two'],
    ['second', 'three'],
  ]);
});

it('a component that throws does not keep publications from the others', () => {
  const errors = [];
  const heard = [];
  process.setUncaughtExceptionCaptureCallback((error) => errors.push(error.message));
  try {
    const fails = (data) => {
      throw new Error(data);
    };
    channelsOf(sluice).join('upload:1', false, { onMessage: fails });
    channelsOf(sluice).join('upload:1', false, { onMessage: (data) => heard.push(data) });
    publishes('upload:1', 'one');
    assert.deepEqual(heard, ['one']);
    return turns().then(() => assert.deepEqual(errors, ['one']));
  } finally {
    setImmediate(() => process.setUncaughtExceptionCaptureCallback(null));
  }
});

it('components hear of gaps, of what was missed and refused on their channel', async () => {
  const heard = [];
  const note = (name) => (what) => heard.push([name, what]);
  const component = { onGap: note('gap'), onMissed: note('missed'), onError: note('error') };
  channelsOf(sluice).join('upload:1', false, component);
  await turns();
  for (const channel of ['upload:1', 'upload:2']) {
    socket.says({ action: 'missed', channel, count: 3 });
    socket.says({ action: 'error', code: 'forbidden', message: 'no', channel });
  }
  socket.says({ action: 'error', code: 'unknown_action', message: 'of no channel' });
  socket.says({ action: 'gap', since: 'x', until: 'y' });
  assert.deepEqual(heard, [
    ['missed', { count: 3 }],
    ['error', { code: 'forbidden', message: 'no' }],
    ['gap', { since: 'x', until: 'y' }],
  ]);
});

it('own channels need no subscription', async () => {
  const leave = channelsOf(sluice).join('user:7', true, {});
  publishes('user:7', 'hello');
  assert.equal(channelsOf(sluice).last('user:7'), 'hello');
  leave();
  await turns();
  assert.deepEqual(sent(), []);
});

it('useSluice of Vue follows its channel and ends with its scope', async () => {
  const channel = ref('upload:1');
  const scope = effectScope();
  const { data, state } = scope.run(() => useSluice(sluice, channel));
  await turns();
  assert.deepEqual(sent(), [['subscribe', 'upload:1']]);
  assert.equal(state.value.name, 'open');
  publishes('upload:1', 'one');
  assert.equal(data.value, 'one');
  channel.value = 'upload:2';
  await nextTick();
  await turns();
  assert.deepEqual(sent(), [
    ['unsubscribe', 'upload:1'],
    ['subscribe', 'upload:2'],
  ]);
  assert.equal(data.value, undefined);
  publishes('upload:2', 'two');
  assert.equal(data.value, 'two');
  channel.value = null;
  await nextTick();
  assert.equal(data.value, undefined);
  channel.value = 'upload:2';
  await nextTick();
  scope.stop();
  sluice.close();
  assert.equal(state.value.name, 'open');
});

it('useSluice of Vue shows nothing without a connection', () => {
  const { data, state } = effectScope().run(() => useSluice(undefined, 'upload:1'));
  assert.deepEqual([data.value, state.value.name], [undefined, 'connecting']);
});

const present = (channel, users, complete = true) => socket.says({ action: 'presence', channel, users, complete });

it('components share who hears a channel', async () => {
  const channels = channelsOf(sluice);
  let changes = 0;
  const leave = channels.watch('team:red', () => changes++);
  assert.equal(channels.presence('team:red'), undefined);
  await turns();
  assert.equal(socket.sent.at(-1).presence, true);
  assert.deepEqual(sent(), [['subscribe', 'team:red']]);
  present('team:red', ['7'], false);
  present('team:blue', ['not shown']);
  assert.deepEqual(channels.presence('team:red'), { users: ['7'], complete: false });
  const leaveSecond = channels.watch('team:red', () => changes++);
  socket.says({ action: 'join', channel: 'team:red', user: '8' });
  assert.deepEqual(channels.presence('team:red'), { users: ['7', '8'], complete: false });
  leave();
  leave();
  await turns();
  assert.deepEqual(sent(), []);
  leaveSecond();
  assert.equal(channels.presence('team:red'), undefined);
  await turns();
  assert.deepEqual(sent(), [['unsubscribe', 'team:red']]);
  assert.equal(changes, 3);
});

it('a refused channel shows nobody', async () => {
  const channels = channelsOf(sluice);
  const seen = [];
  channels.watch('team:red', () => seen.push(channels.presence('team:red')?.users));
  await turns();
  present('team:red', ['7']);
  socket.says({ action: 'error', code: 'unavailable', message: 'not now', channel: 'team:red' });
  socket.says({ action: 'error', code: 'forbidden', message: 'no', channel: 'team:red' });
  socket.says({ action: 'error', code: 'forbidden', message: 'no', channel: 'team:red' });
  assert.deepEqual(seen, [['7'], undefined]);
});

it('usePresence of Vue follows its channel and ends with its scope', async () => {
  const channel = ref('team:red');
  const scope = effectScope();
  const { data, presence } = scope.run(() => ({ ...useSluice(sluice, channel), presence: usePresence(sluice, channel) }));
  await turns();
  assert.deepEqual(sent(), [['subscribe', 'team:red']]);
  assert.equal(presence.value, undefined);
  present('team:red', ['7']);
  assert.deepEqual(presence.value, { users: ['7'], complete: true });
  publishes('team:red', 'one');
  assert.equal(data.value, 'one');
  channel.value = 'team:blue';
  await nextTick();
  await turns();
  assert.deepEqual(sent(), [
    ['unsubscribe', 'team:red'],
    ['subscribe', 'team:blue'],
  ]);
  assert.equal(presence.value, undefined);
  present('team:blue', ['8']);
  assert.deepEqual(presence.value.users, ['8']);
  scope.stop();
  await turns();
  assert.deepEqual(sent(), [['unsubscribe', 'team:blue']]);
});
