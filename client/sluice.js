// One connection to Sluice that authenticates, comes back, and remembers what it listens to.
// No dependencies and no build: a page imports it as it is. What goes over the wire: docs/protocol.md.

/**
 * @typedef {object} Options
 * @property {() => string | Promise<string>} [token] asked for a JWT at each connection and before the last one
 *   expires; left out where the upgrade carries a cookie
 * @property {(data: string | ArrayBuffer) => void} [onMessage] a payload as it was published; Sluice does not say on
 *   which channel
 * @property {(subscribed: {channel: string, retained: boolean}) => void} [onSubscribed] from here on the channel is
 *   heard, told after each return as well; `retained`: the newest publication follows
 * @property {(missed: {channel: string, count: number}) => void} [onMissed] so many publications were passed over
 *   because this client was too slow; the newest follows
 * @property {(gap: {since: string, until: string | null}) => void} [onGap] publications may be lost; once it has an
 *   `until`, fetch what depends on them
 * @property {(error: {code: string, message: string, channel?: string}) => void} [onError] something was refused, with
 *   an error code of the protocol, or `revoked` (a channel), or `no_token` (none to refresh with)
 * @property {(state: State) => void} [onState]
 * @property {number} [heartbeat] ms, at least the server's `sluice.heartbeat.interval`; silent for three, it is left
 * @property {number} [firstDelay] ms before the first attempt to come back, at most; doubled for each other
 * @property {number} [maxDelay] ms before any attempt, at most
 * @property {new (url: string) => WebSocket} [WebSocket] another than the global one
 */

/**
 * `waiting` goes on by itself, `closed` is for good.
 *
 * @typedef {{name: 'connecting'} | {name: 'open', user: string}
 *   | {name: 'waiting', delay: number, code: number, reason: string}
 *   | {name: 'closed', code: number, reason: string}} State
 */

/** The client's own mistake, or an operator's word: coming back would not help. */
const FINAL = new Set([1002, 1009, 4002, 4004, 4503]);
/** Nothing came in time: it had nothing to say, which is its own mistake, or the network was slow, which passes. */
const UNAUTHENTICATED = 4001;
/** The token is not good, or no longer. */
const TOKEN = new Set([4003, 4010]);
/** Too many are here, or too much was said. */
const LATER = new Set([1013, 4029]);

/** What Sluice's own messages begin with, by the protocol. Everything else is a payload. */
const OWN = /^\{"action":"(auth_success|auth_error|subscribed|unsubscribed|error|ping|missed|gap)"/;

const MAX_REFUSED_TOKENS = 3;
/** For the token, the upgrade and the answer to it together. */
const CONNECT_MS = 20_000;
/** Whatever failed before a connection that has lasted this long no longer counts. */
const STEADY_MS = 10_000;
/** Where the page was busy, or the machine asleep, what has come meanwhile is heard before anybody speaks of silence. */
const UNHEARD_MS = 500;
/** Names in a message: more might not fit into `sluice.max-frame`. */
const BATCH = 50;

export class Sluice {
  #url;
  #options;
  /** @type {State} */ #state = { name: 'connecting' };
  /** @type {WebSocket | undefined} */ #socket;
  #token = '';
  /** The connection, or the attempt at one, that counts. */ #turn = 0;
  #attempts = 0;
  #refusedTokens = 0;
  #openedAt = 0;
  #heardAt = 0;
  /** When the connection before was last heard, until that is told as a gap. */ #lostAt = 0;
  /** What comes next by itself. @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #refreshTimer;
  /** @type {Promise<boolean> | undefined} */ #refreshing;
  /** @type {((accepted: boolean) => void) | undefined} */ #refreshed;
  /** Who listens to each channel. @type {Map<string, Set<symbol>>} */ #wanted = new Map();
  /** The last word on each channel, unsent. @type {Map<string, 'subscribe' | 'unsubscribe'>} */ #unsaid = new Map();
  /** Channels to hear again before a gap is over. @type {Set<string>} */ #unanswered = new Set();
  #ended = new AbortController();

  /**
   * Connects, as `new WebSocket` does.
   *
   * @param {string | URL} url absolute, or relative to the page: `/ws`
   * @param {Options} [options]
   */
  constructor(url, options = {}) {
    const target = new URL(url, globalThis.location?.href);
    target.protocol = target.protocol.replace(/^http/, 'ws');
    this.#url = target.href;
    this.#options = {
      heartbeat: 30_000,
      firstDelay: 1_000,
      maxDelay: 30_000,
      WebSocket: globalThis.WebSocket,
      ...options,
    };
    const { signal } = this.#ended;
    globalThis.addEventListener?.('online', () => this.#hurry(), { signal });
    globalThis.document?.addEventListener('visibilitychange', () => this.#hurry(), { signal });
    queueMicrotask(() => this.#connect());
  }

  get state() {
    return this.#state;
  }

  /**
   * Listens to a channel, now and after each return. Several may listen to the same: it ends with the last of them.
   *
   * @param {string} channel such as `upload:42`
   * @returns {() => void} ends it
   */
  subscribe(channel) {
    const listeners = this.#wanted.get(channel) ?? new Set();
    const listener = Symbol(channel);
    this.#wanted.set(channel, listeners.add(listener));
    this.#ask('subscribe', channel);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0 && this.#wanted.get(channel) === listeners) {
        this.#wanted.delete(channel);
        this.#ask('unsubscribe', channel);
      }
    };
  }

  /**
   * Shows a new token now, as when it grants more than the last one; before that one expires it happens by itself.
   *
   * @returns {Promise<boolean>} whether it was accepted; if not, the last one still counts
   */
  refresh() {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
      this.#scheduleRefresh();
    });
    return this.#refreshing;
  }

  /** Ends it for good. */
  close() {
    this.#end(1000, '');
  }

  async #connect() {
    if (this.#state.name === 'closed') return;
    const turn = this.#turn;
    this.#enter({ name: 'connecting' }, CONNECT_MS, () => this.#lose(1006, 'no answer in time'));
    try {
      const token = await this.#options.token?.();
      if (turn === this.#turn) this.#open(token ?? '');
    } catch (error) {
      if (turn === this.#turn) this.#lose(1006, String(error));
    }
  }

  /** @param {string} token */
  #open(token) {
    const socket = new this.#options.WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => token && this.#say({ type: 'auth', token });
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code, reason }) => this.#lose(code, reason);
    socket.onerror = () => {}; // A close follows.
    this.#socket = socket;
    this.#token = token;
  }

  /** @param {string | ArrayBuffer} data */
  #hear(data) {
    this.#heardAt = Date.now();
    const own = typeof data === 'string' && OWN.test(data) ? parse(data) : undefined;
    switch (own?.action) {
      case undefined:
        return this.#tell('onMessage', data);
      case 'ping':
        return this.#say({ action: 'pong' });
      case 'auth_success':
        return own.id === 'refresh' ? this.#refreshed?.(true) : this.#admitted(own.user_id);
      case 'subscribed':
        this.#tell('onSubscribed', { channel: own.channel, retained: own.retained === true });
        return this.#answered(own.channel);
      case 'unsubscribed':
        // Without the id it answers nothing that was said here: the right to listen has ended.
        if (own.id === undefined && this.#wanted.delete(own.channel)) {
          this.#tell('onError', { code: 'revoked', message: 'may not be listened to any more', channel: own.channel });
        }
        return this.#answered(own.channel);
      case 'error':
        return this.#refused(own);
      case 'missed':
        return this.#tell('onMissed', { channel: own.channel, count: own.count });
      case 'gap':
        return this.#tell('onGap', { since: own.since, until: own.until });
    }
  }

  /** @param {string} user */
  #admitted(user) {
    if (this.#state.name !== 'connecting') return;
    this.#openedAt = this.#heardAt;
    if (this.#lostAt) this.#unanswered = new Set(this.#wanted.keys());
    this.#enter({ name: 'open', user }, 3 * this.#options.heartbeat, () => this.#watch());
    this.#scheduleRefresh();
    for (const channel of this.#wanted.keys()) this.#ask('subscribe', channel);
    this.#tellLoss();
  }

  /** @param {{code: string, message: string, channel?: string, id?: unknown}} error */
  #refused({ code, message, channel, id }) {
    if (id === 'refresh') this.#refreshed?.(false);
    if (channel === undefined) return this.#tell('onError', { code, message });
    if (code === 'unavailable') {
      after(this.#longDelay(), () => this.#wanted.has(channel) && this.#ask('subscribe', channel));
    } else {
      this.#wanted.delete(channel);
    }
    this.#tell('onError', { code, message, channel });
    this.#answered(channel);
  }

  /** @param {string} channel */
  #answered(channel) {
    if (this.#unanswered.delete(channel)) this.#tellLoss();
  }

  /** What was published between two connections is lost; that is over when everything is listened to again. */
  #tellLoss() {
    if (this.#lostAt === 0 || this.#unanswered.size > 0) return;
    const since = new Date(this.#lostAt).toISOString();
    this.#lostAt = 0;
    this.#tell('onGap', { since, until: new Date().toISOString() });
  }

  /** @param {'subscribe' | 'unsubscribe'} action @param {string} channel */
  #ask(action, channel) {
    if (this.#state.name !== 'open') return; // Then all that is wanted is asked for.
    this.#unsaid.set(channel, action);
    queueMicrotask(() => this.#askAll());
  }

  #askAll() {
    for (const action of ['unsubscribe', 'subscribe']) {
      const channels = [...this.#unsaid.keys()].filter((channel) => this.#unsaid.get(channel) === action);
      while (channels.length > 0) this.#say({ action, channels: channels.splice(0, BATCH), id: action });
    }
    this.#unsaid.clear();
  }

  async #refresh() {
    const turn = this.#turn;
    const token = this.#state.name === 'open' && (await this.#options.token?.());
    if (!token || turn !== this.#turn || this.#state.name !== 'open') return false;
    this.#say({ type: 'auth', token, id: 'refresh' });
    const accepted = await new Promise((/** @type {(accepted: boolean) => void} */ resolve) => {
      this.#refreshed = resolve;
    });
    if (accepted) this.#token = token;
    return accepted;
  }

  /** Well before the token expires, not all clients at once, and again as long as there is time. */
  #scheduleRefresh() {
    clearTimeout(this.#refreshTimer);
    const left = expiry(this.#token) - Date.now();
    if (this.#state.name !== 'open' || !(left > 0)) return;
    const refresh = () =>
      this.refresh().catch((error) => this.#tell('onError', { code: 'no_token', message: String(error) }));
    const delay = Math.max(1_000, left * (0.7 + 0.15 * Math.random()));
    this.#refreshTimer = after(delay, refresh);
  }

  /** Leaves a connection on which nothing has come for too long. */
  #watch() {
    clearTimeout(this.#timer);
    const left = this.#silentAt() - Date.now();
    this.#timer = after(Math.max(left, UNHEARD_MS), () => {
      if (left <= 0 && this.#silentAt() <= Date.now()) this.#lose(1006, 'nothing was heard');
      else this.#watch();
    });
  }

  #silentAt() {
    return this.#heardAt + 3 * this.#options.heartbeat;
  }

  /** The network is back, or somebody looks at the page again; timers may have slept meanwhile. */
  #hurry() {
    const state = this.#state;
    if (state.name === 'open') this.#watch();
    if (state.name === 'waiting' && !LATER.has(state.code) && state.delay > this.#options.firstDelay) {
      this.#wait(state.code, state.reason, Math.random() * this.#options.firstDelay);
    }
  }

  /** @param {number} code @param {string} reason */
  #lose(code, reason) {
    if (this.#openedAt) {
      if (Date.now() - this.#openedAt >= STEADY_MS) this.#attempts = this.#refusedTokens = 0;
      this.#lostAt ||= this.#heardAt;
    }
    this.#drop();
    if (TOKEN.has(code)) this.#refusedTokens++;
    const hopeless = FINAL.has(code) || (code === UNAUTHENTICATED && !this.#token);
    if (hopeless || this.#refusedTokens === MAX_REFUSED_TOKENS) return this.#end(code, reason);
    const { firstDelay, maxDelay } = this.#options;
    const ceiling = Math.min(maxDelay, firstDelay * 2 ** this.#attempts++);
    this.#wait(code, reason, LATER.has(code) ? this.#longDelay() : Math.random() * ceiling);
  }

  #longDelay() {
    return (0.5 + 0.5 * Math.random()) * this.#options.maxDelay;
  }

  /** @param {number} code @param {string} reason @param {number} delay */
  #wait(code, reason, delay) {
    this.#enter({ name: 'waiting', delay, code, reason }, delay, () => this.#connect());
  }

  /** @param {number} code @param {string} reason */
  #end(code, reason) {
    if (this.#state.name === 'closed') return;
    this.#drop();
    this.#lostAt = 0;
    this.#wanted.clear();
    this.#ended.abort();
    this.#enter({ name: 'closed', code, reason });
  }

  /** Lets the connection go without waiting for its close, which takes long where the other side is gone. */
  #drop() {
    this.#turn++;
    this.#openedAt = 0;
    clearTimeout(this.#refreshTimer);
    this.#refreshed?.(false);
    this.#unsaid.clear();
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = undefined;
  }

  /** @param {State} state @param {number} [delay] @param {() => void} [next] what happens after that */
  #enter(state, delay = 0, next) {
    clearTimeout(this.#timer);
    if (next) this.#timer = after(delay, next);
    this.#state = state;
    this.#tell('onState', state);
  }

  /** @param {object} message */
  #say(message) {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  /**
   * Calls back. What is thrown there is reported like any error of the page, and stops nothing here.
   *
   * @param {'onMessage' | 'onSubscribed' | 'onMissed' | 'onGap' | 'onError' | 'onState'} name @param {any} what
   */
  #tell(name, what) {
    try {
      this.#options[name]?.(what);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/** A timer that does not ring at once where it can't hold the time. @param {number} ms @param {() => void} then */
function after(ms, then) {
  return setTimeout(then, Math.min(ms, 2 ** 31 - 1));
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** When a token expires, in ms; NaN where it does not say so. @param {string} token */
function expiry(token) {
  try {
    return 1_000 * JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))).exp;
  } catch {
    return NaN;
  }
}
