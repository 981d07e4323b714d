// Renewal of tokens if this machine's clock is wrong.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { Sluice } from '../sluice.js';
import { FakeSocket, turns } from './fake.js';

const HOUR = 3_600_000;
const LIFE = 900_000;

let sluice;
let ahead;
let asked;
let withIssue;

/** The server's clock. */
const now = () => Date.now() - ahead;

/** A token that a backend with the server's clock issues, or issued that long ago. */
function token(age = 0) {
  const iat = (now() - age) / 1000;
  const claims = withIssue ? { iat, exp: iat + LIFE / 1000 } : { exp: iat + LIFE / 1000 };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
}

async function connect(give = token) {
  sluice = new Sluice('wss://app.example.org/ws', {
    WebSocket: FakeSocket,
    heartbeat: 1e9,
    token: () => (asked++, give()),
  });
  await turns();
  await FakeSocket.last.admits();
}

async function passes(ms) {
  mock.timers.tick(ms);
  await turns();
}

const accepts = async () => {
  FakeSocket.last.says({ action: 'auth_success', user_id: '7', id: 'refresh' });
  await turns();
};

/** The server closes the connection at the token's expiry, and the module reconnects. */
async function expires() {
  FakeSocket.last.ends(4010, 'token has expired');
  await passes(0);
  await FakeSocket.last.admits();
}

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.UTC(2026, 10, 24, 12) });
  mock.method(Math, 'random', () => 0);
  FakeSocket.all = [];
  ahead = 0;
  asked = 0;
  withIssue = true;
});

afterEach(() => {
  sluice.close();
  mock.timers.reset();
  mock.restoreAll();
});

describe('renewal', () => {
  for (const [where, wrong] of [
    ['is right', 0],
    ['is an hour ahead', HOUR],
    ['is an hour behind', -HOUR],
    ['is a day ahead', 24 * HOUR],
    ['is a minute behind', -60_000],
  ]) {
    it(`is in time if the clock ${where}`, async () => {
      ahead = wrong;
      await connect();
      for (let i = 1; i <= 3; i++) {
        await passes(0.7 * LIFE - 1);
        assert.equal(asked, i);
        await passes(1);
        assert.equal(asked, i + 1);
        await accepts();
      }
      assert.equal(FakeSocket.all.length, 1);
    });
  }

  it('is in time for a token from a cache if the clock is right', async () => {
    const kept = token(600_000);
    await connect(() => kept);
    await passes(0.7 * 300_000 - 1);
    assert.equal(asked, 1);
    await passes(1);
    assert.equal(asked, 2);
  });

  for (const [where, wrong] of [
    ['ahead', HOUR],
    ['behind', -HOUR],
  ]) {
    it(`is in time after the first token if tokens have no iat and the clock is an hour ${where}`, async () => {
      ahead = wrong;
      withIssue = false;
      await connect();
      await passes(LIFE + 5_000);
      assert.equal(asked, 1, 'the module cannot know that the clock is wrong');
      await expires();
      assert.equal(asked, 2);
      for (let i = 2; i <= 4; i++) {
        await passes(0.7 * LIFE - 1);
        assert.equal(asked, i);
        await passes(1);
        assert.equal(asked, i + 1);
        await accepts();
      }
    });
  }

  it('is in time after the first token from a cache if the clock is an hour behind', async () => {
    ahead = -HOUR;
    await connect(() => token(600_000));
    await passes(305_000);
    await expires();
    await passes(0.7 * 300_000);
    assert.equal(asked, 3);
  });

  it('ignores a late close when it measures the clock', async () => {
    sluice = new Sluice('wss://app.example.org/ws', { WebSocket: FakeSocket, token: () => (asked++, token()) });
    withIssue = false;
    await turns();
    await FakeSocket.last.admits();
    mock.timers.setTime(Date.now() + 8 * HOUR);
    await expires();
    for (let ms = 0; ms < 0.7 * LIFE; ms += 10_000) {
      FakeSocket.last.says('{"action":"ping"}');
      await passes(10_000);
    }
    assert.equal(asked, 3);
  });

  it('is not constant if the clock is ahead by nearly the life of the token', async () => {
    ahead = LIFE - 1_000;
    await connect();
    await passes(17_999);
    assert.equal(asked, 1);
    await passes(1);
    assert.equal(asked, 2);
  });

  it('is immediate when the page wakes up after its timers stood still', async () => {
    const page = (globalThis.document = new EventTarget());
    try {
      await connect();
      mock.timers.setTime(Date.now() + 0.8 * LIFE);
      assert.equal(asked, 1);
      page.dispatchEvent(new Event('visibilitychange'));
      await turns();
      assert.equal(asked, 2);
    } finally {
      delete globalThis.document;
    }
  });

  it('continues after the expiry if the server keeps the connection', async () => {
    const given = [token()];
    await connect(() => {
      if (given.length === 0) throw new Error('the backend is away');
      return given.shift();
    });
    await passes(LIFE);
    given.push(token());
    for (let i = 0; i < 3; i++) await passes(30_000);
    assert.ok(FakeSocket.last.sent.some(({ id }) => id === 'refresh'));
    assert.equal(FakeSocket.all.length, 1);
  });
});
