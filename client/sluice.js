// A WebSocket connection to Sluice that authenticates, reconnects, resubscribes and resumes.
// It has no dependencies and no build step. The protocol: docs/protocol.md.

/**
 * @typedef {object} Options
 * @property {() => string | Promise<string>} [token] returns a JWT; called for each connection and before the last
 *   token expires. Omit it if a cookie authenticates
 * @property {(data: string | ArrayBuffer, from: {channel?: string}) => void} [onMessage] a payload as it was published,
 *   and its channel; `undefined` if the server speaks only version 1 of the protocol
 * @property {(subscribed: {channel: string, retained: boolean}) => void} [onSubscribed] the channel is
 *   subscribed; repeated after each reconnect. If `retained`, the newest publication follows
 * @property {(missed: {channel: string, count: number}) => void} [onMissed] how many publications the server
 *   skipped because this client is too slow; the newest follows
 * @property {(gap: {since: string, until: string | null, channel?: string}) => void} [onGap] publications may be lost,
 *   of all channels or of this one; once `until` is set, fetch the current state
 * @property {(present: Present) => void} [onPresence] the users who hear a channel that was subscribed with `presence`: at
 *   first and after each reconnect, then whenever one has joined or left
 * @property {(error: {code: string, message: string, channel?: string}) => void} [onError] an error code of the
 *   protocol; or `revoked`: the right to a channel ended; or `no_token`: `token()` failed to renew; `bad_channel` also
 *   for names that the module does not send
 * @property {(state: State) => void} [onState]
 * @property {number} [heartbeat] ms, at least the server's `sluice.heartbeat.interval`; after three without a message
 *   the module reconnects
 * @property {number} [timeout] ms for each: connecting, `token()` included; `token()` on renewal, then the answer; the
 *   answer to a subscription, which is then repeated
 * @property {number} [maxFrame] bytes, at most the server's `sluice.max-frame`; the longest message it sends
 * @property {number} [firstDelay] ms, the longest delay before the first reconnect; doubles with each attempt
 * @property {number} [maxDelay] ms, the longest delay before any reconnect
 * @property {new (url: string, protocols?: string[]) => WebSocket} [WebSocket] replaces the global constructor
 */

/**
 * @typedef {Pick<Options, 'onMessage' | 'onSubscribed' | 'onMissed' | 'onGap' | 'onPresence' | 'onError' | 'onState'>} Listener
 */

/**
 * The users who hear a channel, and who has just joined or left. Without `complete`, users may be missing.
 *
 * @typedef {{channel: string, users: string[], complete: boolean, joined?: string, left?: string}} Present
 */

/**
 * In `waiting` the module reconnects by itself; `closed` is final.
 *
 * @typedef {{name: 'connecting'} | {name: 'open', user: string}
 *   | {name: 'waiting', delay: number, code: number, reason: string}
 *   | {name: 'closed', code: number, reason: string}} State
 */

/**
 * @typedef {{id: string, token: string, receivedAt: number, pending: boolean, answered: (accepted: boolean) => void}} Renewal
 */

/** An error of the client, or a disconnect by an operator: a reconnect would not help. */
const FINAL = new Set([1002, 1007, 1009, 4002, 4004, 4503]);
/** The server did not accept the first message as an auth message; the position in it may be the reason. */
const BAD_AUTH = 4002;
/** No auth message in time: final without a token; with one, the network was slow. */
const AUTH_TIMEOUT = 4001;
/** The token is invalid or has expired. */
const TOKEN_REFUSED = new Set([4003, 4010]);
const EXPIRED = 4010;
/** The client sent more frames than the server's rate limit allows. */
const RATE_LIMITED = 4029;
/** A limit of the server was reached: reconnect after a long delay. */
const RECONNECT_LATER = new Set([1013, RATE_LIMITED]);

/** Version 2 names the channel and the position of each publication. The server chooses. */
const V2 = 'sluice.v2';
const SUBPROTOCOLS = [V2, 'sluice.v1'];
/** Failed upgrades in a row before the module tries one without subprotocols; `later`: once the server accepted one. */
const FAILED_OFFERS = { first: 1, later: 5 };
const LINE_FEED = 10;

/** Beginnings of control messages in version 1. Everything else is a payload. */
const V1_CONTROL = /^\{"action":"(auth_success|auth_error|subscribed|unsubscribed|error|ping|pong|missed|gap)"/;

const MAX_REFUSED_TOKENS = 3;
/** A connection that lasted this long resets the back-off. */
const STABLE_MS = 10_000;
/** Messages may wait in the event queue after the page was busy or the machine asleep: they run before a timeout. */
const QUEUED_MS = 500;
/** Timeout of a ping if no other message arrives. */
const PONG_MS = 5_000;
/** Minimum time between two pings; events come in bursts. */
const PING_EVERY_MS = 1_000;
/** Channels in a message. The server's rate limit counts each as a frame. */
const BATCH = 50;
/** Channels that fit into the server's default burst, and how often its default rate allows another batch. */
const BURST = 400;
const BATCH_EVERY_MS = 1_250;
/** The server's limit for the id of a channel, in bytes. */
const MAX_ID = 256;
/** The server closes a connection this long after its token's `exp` (`mp.jwt.verify.clock.skew`). */
const SKEW_MS = 5_000;

/** @param {unknown} at */
const isPosition = (at) => typeof at === 'string' && /^[!-~]{1,96}$/.test(at);

/** Whether it is the ID of an entry of a stream, which is the position of the stream's channel. @param {unknown} at */
const isEntry = (at) => typeof at === 'string' && /^\d{1,20}-\d{1,20}$/.test(at);

/** The longest position, in characters. */
const MAX_POSITION = 96;
/** Channels whose last position is kept; beyond it, the channel that was silent for longest loses its position. */
const MAX_POSITIONS = 4_096;
/** Key of the user's own channels, which need no subscription. */
const OWN_CHANNELS = '';

/**
 * Tracks what the client has received: where to resume each channel, and which publications are duplicates. A server of
 * version 1 sends no positions, so nothing resumes.
 */
class Positions {
  /** The last `at`: the server sent everything up to here; empty if unknown. */ #at = '';
  /** Channels that the server confirmed on this connection. @type {Set<string>} */ #confirmed = new Set();
  /**
   * Where to resume the channels of earlier connections; empty if unknown. Entries stay until all of them are answered
   * and an `at` has followed. @type {Map<string, string>}
   */
  #since = new Map();
  /** Recovered channels whose replay may be under way: no `at` has followed. @type {Set<string>} */ #replaying = new Set();
  /** Last publication of each channel. @type {Map<string, {era: string, offset: number}>} */ #last = new Map();
  /** Last entry of each channel that is a stream; empty after a gap. @type {Map<string, string>} */ #entries = new Map();
  /** The user's own channels that are streams. @type {Set<string>} */ #ownStreams = new Set();

  /** @param {string} channel @returns {string | undefined} where to resume it */
  since(channel) {
    return this.#confirmed.has(channel) ? undefined : this.#since.get(channel) || undefined;
  }

  /** @returns {Record<string, string> | undefined} the last entry of each own channel that is a stream */
  ownEntries() {
    const known = [...this.#ownStreams].filter((channel) => this.#entries.get(channel));
    return known.length > 0
      ? Object.fromEntries(known.map((channel) => [channel, this.#entries.get(channel) ?? '']))
      : undefined;
  }

  /**
   * Records where the user's own streams stand, which the answer to the authentication says of those that do not resume.
   *
   * @param {{recovered?: boolean, ids?: Record<string, unknown>}} answer
   */
  confirmOwnEntries({ recovered, ids = {} }) {
    if (recovered !== true) for (const channel of this.#ownStreams) this.#entries.set(channel, '');
    for (const [channel, id] of Object.entries(ids)) {
      this.#ownStreams.add(channel);
      this.#entries.set(channel, isEntry(id) ? /** @type {string} */ (id) : '');
    }
  }

  /** @param {unknown} at of any message */
  keep(at) {
    if (!isPosition(at) || isEntry(at)) return;
    this.#at = /** @type {string} */ (at);
    if (this.#replaying.size === 0) return;
    for (const channel of this.#since.keys()) if (!this.#confirmed.has(channel)) return;
    for (const channel of this.#replaying) this.#since.delete(channel);
    this.#replaying.clear();
  }

  /**
   * Records the server's answer to a subscription, or to the authentication.
   *
   * @param {string} channel @param {{recovered?: boolean, at?: unknown}} answer
   * @returns {boolean} whether publications since an earlier connection are lost
   */
  confirm(channel, { recovered, at }) {
    const resumes = this.#since.has(channel) && !this.#confirmed.has(channel);
    this.#confirmed.add(channel);
    const since = resumes ? this.#since.get(channel) : '';
    if (isEntry(since) || isEntry(at)) {
      this.#since.delete(channel);
      if (recovered === true) return false;
      if (resumes) this.#entries.delete(channel);
      if (!isEntry(at)) this.#entries.set(channel, this.#entries.get(channel) ?? '');
      else this.advanceEntry(channel, /** @type {string} */ (at));
      return resumes;
    }
    if (!resumes) return false;
    if (recovered === true) {
      this.#replaying.add(channel);
      return false;
    }
    this.#since.delete(channel);
    // The next positions may be lower, so comparing them with the old ones could drop new publications.
    for (const name of channel === OWN_CHANNELS ? this.#last.keys() : [channel]) {
      if (!this.#since.has(name) && (name === channel || !this.#confirmed.has(name))) this.#last.delete(name);
    }
    this.#at = isPosition(at) ? /** @type {string} */ (at) : '';
    return true;
  }

  /** @param {string} channel @param {unknown} position @returns {boolean} whether it is newer than the last */
  advance(channel, position) {
    const [era, digits] = isPosition(position) ? String(position).split('.') : [];
    const offset = Number(digits);
    if (era === undefined || !Number.isSafeInteger(offset)) return true;
    const last = this.#last.get(channel);
    if (last?.era === era && offset <= last.offset) return false;
    this.#last.delete(channel);
    this.#last.set(channel, { era, offset });
    if (this.#last.size > MAX_POSITIONS) this.#last.delete(/** @type {string} */ (this.#last.keys().next().value));
    return true;
  }

  /** @param {string} channel a stream @param {string} id of an entry @returns {boolean} whether it is newer than the last */
  advanceEntry(channel, id) {
    const last = this.#entries.get(channel);
    if (last && compareEntries(id, last) <= 0) return false;
    this.#entries.set(channel, id);
    return true;
  }

  /** Entries of the stream may be lost, and the next ones may have lower IDs. @param {string} channel */
  forgetEntry(channel) {
    this.#entries.set(channel, '');
  }

  /** @param {string} channel no longer listened to */
  leave(channel) {
    this.#confirmed.delete(channel);
    this.#since.delete(channel);
    this.#replaying.delete(channel);
    this.#last.delete(channel);
    this.#entries.delete(channel);
  }

  /** Turns the state of the ended connection into positions to resume from. */
  disconnect() {
    for (const channel of this.#confirmed) {
      if (!this.#since.has(channel)) this.#since.set(channel, this.#entries.get(channel) ?? this.#at);
    }
    this.#confirmed.clear();
    this.#replaying.clear();
  }

  /** Drops all positions. */
  forget() {
    this.forgetOrder();
    for (const channel of this.#since.keys()) this.#since.set(channel, '');
    for (const channel of this.#entries.keys()) this.#entries.set(channel, '');
  }

  /** Drops the positions in the common order of channels, after a gap, but not those of streams. */
  forgetOrder() {
    this.#at = '';
    for (const [channel, since] of this.#since) if (!isEntry(since)) this.#since.set(channel, '');
    this.#last.clear();
  }
}

export class Sluice {
  #url;
  #options;
  /** Called after the functions in the options. @type {Set<{listener: Listener}>} */ #listeners = new Set();
  /** @type {State} */ #state = { name: 'connecting' };
  /** @type {WebSocket | undefined} */ #socket;
  /** Whether this connection speaks version 2. */ #v2 = false;
  /** Upgrades with subprotocols that failed in a row. */ #failedOffers = 0;
  /** How many of them make the module try one without. */ #maxFailedOffers = FAILED_OFFERS.first;
  /** Whether the server upgrades requests without a subprotocol. */ #acceptsNone = false;
  #positions = new Positions();
  /** Whether some channel did not resume since then. */ #hasGap = false;
  #token = '';
  /** Estimated expiry of the token by this machine's clock, in ms; NaN if unknown. */ #expiresAt = NaN;
  /** Life of the token in ms; NaN if unknown. */ #life = NaN;
  /** How far this machine's clock is ahead of the server's, in ms, as of the last expiry. */ #clockAhead = 0;
  /** Number of the current connection attempt. */ #attemptId = 0;
  #attempts = 0;
  #refusedTokens = 0;
  #startedAt = 0;
  #openedAt = 0;
  #lastMessageAt = 0;
  /** Time of the last message of the previous connection, until its channels are back; else 0. */ #gapSince = 0;
  /** Timer of the current state. @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #refreshTimer;
  /** Time of the next renewal by this machine's clock. */ #refreshAt = Infinity;
  /** @type {Promise<boolean> | undefined} */ #refreshing;
  /** The last renewal that was sent. @type {Renewal | undefined} */ #renewal;
  #renewalCount = 0;
  /** Time of the unanswered ping, else 0. */ #pingedAt = 0;
  #lastPingAt = 0;
  #pingCount = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #pingTimer;
  /** Subscribers of each channel. @type {Map<string, Set<symbol>>} */ #subscriptions = new Map();
  /**
   * Of each channel with subscribers who want to know who hears it: these, and the users of whom the server has told.
   *
   * @type {Map<string, {subscribers: Set<symbol>, users: Set<string>, complete: boolean}>}
   */
  #presence = new Map();
  /** Unsent requests, the last of each channel. @type {Map<string, 'subscribe' | 'unsubscribe'>} */ #requests = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #requestTimer;
  /** Channels that may be sent now. */ #budget = Infinity;
  /** Whether the server ever closed with 4029. */ #rateLimited = false;
  /** Subscriptions that were sent and are not answered. @type {Set<string>} */ #pending = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #retryTimer;
  /** Channels that a reconnect has not confirmed yet. @type {Set<string>} */ #resubscribing = new Set();
  /** Aborted when the current connection or attempt ends. */ #attempt = new AbortController();
  #ended = new AbortController();

  /**
   * Starts to connect.
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
      timeout: 20_000,
      maxFrame: 32_768,
      firstDelay: 1_000,
      maxDelay: 30_000,
      WebSocket: globalThis.WebSocket,
      ...options,
    };
    const { signal } = this.#ended;
    // In the back/forward cache timers stand still and the browser may close the socket without an event.
    globalThis.addEventListener?.('online', () => this.#wake(true), { signal });
    globalThis.addEventListener?.('pageshow', () => this.#wake(false), { signal });
    const page = globalThis.document;
    page?.addEventListener('visibilitychange', () => page.visibilityState !== 'hidden' && this.#wake(false), { signal });
    queueMicrotask(() => this.#connect());
  }

  get state() {
    return this.#state;
  }

  /**
   * Subscribes to a channel, now and after each reconnect. The subscription ends with the last of its callers.
   * Invalid names are not sent; `onError` gets `bad_channel`.
   *
   * @param {string} channel such as `upload:42`
   * @param {{presence?: boolean}} [options] `presence`: whether `onPresence` tells who hears the channel. The server must
   *   allow that on the channel's route, and speak version 2 of the protocol
   * @returns {() => void} unsubscribes
   */
  subscribe(channel, { presence = false } = {}) {
    const wrong = this.#invalidName(channel);
    if (wrong) {
      const error = { code: 'bad_channel', message: wrong, channel: String(channel) };
      queueMicrotask(() => this.#emit('onError', error));
      return () => {};
    }
    const listeners = this.#subscriptions.get(channel) ?? new Set();
    const listener = Symbol(channel);
    this.#subscriptions.set(channel, listeners.add(listener));
    const present = presence ? this.#presenceOf(channel) : undefined;
    present?.subscribers.add(listener);
    this.#request('subscribe', channel);
    return () => {
      if (present?.subscribers.delete(listener) && present.subscribers.size === 0) this.#forgetPresence(channel, present);
      if (listeners.delete(listener) && listeners.size === 0 && this.#subscriptions.get(channel) === listeners) {
        this.#subscriptions.delete(channel);
        this.#positions.leave(channel);
        this.#request('unsubscribe', channel);
      }
    };
  }

  /** @param {string} channel */
  #presenceOf(channel) {
    const present = this.#presence.get(channel) ?? { subscribers: new Set(), users: new Set(), complete: false };
    this.#presence.set(channel, present);
    return present;
  }

  /** @param {string} channel @param {unknown} [present] only if this is what is known of the channel */
  #forgetPresence(channel, present = this.#presence.get(channel)) {
    if (this.#presence.get(channel) === present) this.#presence.delete(channel);
  }

  /**
   * Adds functions that are called after those in the options, for example for a component of the page.
   *
   * @param {Listener} listener
   * @returns {() => void} removes them
   */
  listen(listener) {
    const entry = { listener };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /**
   * Renews the token now, for example when it should grant more. The module renews it before it expires by itself.
   *
   * @returns {Promise<boolean>} whether the server accepted it in time; otherwise the last token still counts. Also
   *   false without a connection. Rejects if `token()` gives none in time
   */
  refresh() {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
      this.#scheduleRefresh();
    });
    return this.#refreshing;
  }

  /** Closes the connection; final. */
  close() {
    this.#end(1000, '');
  }

  async #connect() {
    if (this.#state.name === 'closed') return;
    const { timeout, token } = this.#options;
    const turn = this.#attemptId;
    this.#startedAt = Date.now();
    this.#setState({ name: 'connecting' }, timeout, () => this.#disconnected(1006, 'no answer in time'));
    try {
      const got = token ? await this.#getToken(token) : '';
      if (turn === this.#attemptId) this.#open(got);
    } catch (error) {
      if (turn === this.#attemptId) this.#disconnected(1006, String(error));
    }
  }

  /**
   * Calls `token()`. Rejects if there is no valid token in time, or the attempt ends first; later results are ignored.
   *
   * @param {() => string | Promise<string>} token
   */
  async #getToken(token) {
    const got = await withTimeout(this.#options.timeout, this.#attempt.signal, token);
    if (got === undefined || got === null || got === '') throw new Error('token() returned none');
    if (jsonSize({ type: 'auth', token: got, id: 'refresh-00000000' }) > this.#options.maxFrame) {
      throw new Error('the token does not fit into a message');
    }
    return got;
  }

  /** @param {string} token */
  #open(token) {
    this.#setToken(token, this.#startedAt);
    this.#upgrade(this.#acceptsNone || this.#failedOffers < this.#maxFailedOffers);
  }

  /**
   * Opens a WebSocket. Browsers fail an upgrade if the server ignores the offered subprotocols, and report it like an
   * outage. So after failures the module tries without. If that succeeds, it offers them once more, because an outage may
   * just have ended.
   *
   * @param {boolean} offers whether to offer subprotocols
   */
  #upgrade(offers) {
    const { WebSocket } = this.#options;
    const socket = offers ? new WebSocket(this.#address(), SUBPROTOCOLS) : new WebSocket(this.#url);
    let opened = false;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      opened = true;
      if (!offers && !this.#acceptsNone) {
        this.#acceptsNone = true;
        abandon(socket);
        return this.#upgrade(true);
      }
      if (offers) {
        this.#failedOffers = 0;
        this.#maxFailedOffers = FAILED_OFFERS.later;
        this.#acceptsNone = false;
      }
      this.#v2 = socket.protocol === V2;
      this.#authenticate();
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => {
      if (offers && !opened) {
        this.#failedOffers++;
        if (this.#acceptsNone) return this.#upgrade(false);
      }
      this.#disconnected(code, reason);
    };
    socket.onerror = () => {}; // A close follows.
    this.#socket = socket;
  }

  /** The URL of the upgrade, with the position if a cookie authenticates, as no auth message follows. */
  #address() {
    if (this.#options.token) return this.#url;
    const { since, ids } = this.#resumption();
    if (!since && !ids) return this.#url;
    const url = new URL(this.#url);
    if (since) url.searchParams.set('since', since);
    if (ids) url.searchParams.set('ids', JSON.stringify(ids));
    return url.href;
  }

  #authenticate() {
    if (!this.#token) return;
    const message = { type: 'auth', token: this.#token };
    const resuming = this.#v2 ? { ...message, ...this.#resumption() } : message;
    this.#send(jsonSize(resuming) > this.#options.maxFrame ? message : resuming);
  }

  /** Where the user's own channels resume. */
  #resumption() {
    return { since: this.#positions.since(OWN_CHANNELS), ids: this.#positions.ownEntries() };
  }

  /**
   * Sets the current token and estimates its expiry. This machine's clock may be wrong, so with `iat` the token's life
   * counts from its receipt. The token may come from a cache, so an earlier `exp` by this clock counts if it is in the
   * future.
   *
   * @param {string} token @param {number} receivedAt
   */
  #setToken(token, receivedAt) {
    this.#token = token;
    const { exp, iat } = claims(token);
    const byClock = exp + this.#clockAhead;
    this.#life = exp - iat;
    const byLife = this.#life > 0 ? receivedAt + this.#life : NaN;
    if (byClock > receivedAt) this.#expiresAt = byLife < byClock ? byLife : byClock;
    else this.#expiresAt = byLife;
  }

  /** @param {string | ArrayBuffer} data */
  #receive(data) {
    this.#lastMessageAt = Date.now();
    if (this.#v2) return this.#receiveV2(data);
    const own = typeof data === 'string' && V1_CONTROL.test(data) ? parse(data) : undefined;
    // A pong without the id of the last ping is a payload.
    if (own?.action === undefined || (own.action === 'pong' && own.id !== `ping-${this.#pingCount}`)) {
      return this.#emit('onMessage', data, { channel: undefined });
    }
    this.#handleControl(own);
  }

  /**
   * A publication is a header, a line feed and the payload. A control message has no line feed.
   *
   * @param {string | ArrayBuffer} data
   */
  #receiveV2(data) {
    const text = typeof data === 'string';
    const end = text ? data.indexOf('\n') : new Uint8Array(data).indexOf(LINE_FEED);
    const header = end < 0 ? data : data.slice(0, end);
    const message = parse(typeof header === 'string' ? header : new TextDecoder().decode(header)) ?? {};
    this.#positions.keep(message.at);
    if (end < 0) return this.#handleControl(message);
    const { channel, id, at, pos } = message;
    const isNew = isEntry(id) ? this.#positions.advanceEntry(channel, id) : this.#positions.advance(channel, at ?? pos);
    if (isNew) this.#emit('onMessage', data.slice(end + 1), { channel });
  }

  /** @param {any} own a control message */
  #handleControl(own) {
    switch (own.action) {
      case 'ping':
        return this.#send({ action: 'pong' });
      case 'auth_success':
        return own.id === undefined ? this.#authenticated(own) : this.#renewed(own.id);
      case 'pong':
        if (own.id === `ping-${this.#pingCount}`) this.#pingedAt = 0;
        return;
      case 'subscribed':
        this.#confirm(own.channel, own);
        this.#emit('onSubscribed', { channel: own.channel, retained: own.retained === true });
        return this.#answered(own.channel);
      case 'unsubscribed':
        this.#positions.leave(own.channel);
        // Without the id it answers no request: the right to the channel ended.
        if (own.id === undefined && this.#subscriptions.delete(own.channel)) {
          this.#forgetPresence(own.channel);
          this.#emit('onError', { code: 'revoked', message: 'the right to the channel ended', channel: own.channel });
        }
        return this.#answered(own.channel);
      case 'error':
        return this.#refused(own);
      case 'presence':
      case 'join':
      case 'leave':
        return this.#tellPresence(own);
      case 'missed':
        return this.#emit('onMissed', { channel: own.channel, count: own.count });
      case 'gap':
        if (own.channel === undefined) this.#positions.forgetOrder();
        else this.#positions.forgetEntry(own.channel);
        return this.#emit('onGap', {
          since: own.since,
          until: own.until,
          ...(own.channel !== undefined && { channel: own.channel }),
        });
    }
  }

  /** @param {{action: string, channel: string, users?: string[], complete?: boolean, user?: string}} message */
  #tellPresence({ action, channel, users = [], complete = false, user = '' }) {
    const present = this.#presence.get(channel);
    if (!present) return; // Its subscribers have left.
    if (action === 'presence') {
      present.users = new Set(users);
      present.complete = complete;
    } else if (action === 'join') {
      present.users.add(user);
    } else {
      present.users.delete(user);
    }
    this.#emit('onPresence', {
      channel,
      users: [...present.users],
      complete: present.complete,
      ...(action === 'join' && { joined: user }),
      ...(action === 'leave' && { left: user }),
    });
  }

  /** @param {{user_id: string, recovered?: boolean, at?: unknown, ids?: Record<string, unknown>}} answer */
  #authenticated(answer) {
    if (this.#state.name !== 'connecting') return;
    this.#openedAt = this.#lastMessageAt;
    this.#confirm(OWN_CHANNELS, answer);
    this.#positions.confirmOwnEntries(answer);
    if (this.#gapSince) this.#resubscribing = new Set(this.#subscriptions.keys());
    this.#budget = this.#rateLimited ? BURST : Infinity;
    this.#setState({ name: 'open', user: answer.user_id });
    if (this.state.name !== 'open') return; // `onState` called close().
    this.#checkLiveness();
    this.#scheduleRefresh();
    for (const channel of this.#subscriptions.keys()) this.#request('subscribe', channel);
    this.#emitGap();
  }

  /** @param {string} channel @param {{recovered?: boolean, at?: unknown}} answer */
  #confirm(channel, answer) {
    if (this.#positions.confirm(channel, answer) && this.#gapSince) this.#hasGap = true;
  }

  /** @param {{code: string, message: string, channel?: string, id?: unknown}} error */
  #refused({ code, message, channel, id }) {
    if (id !== undefined && id === this.#renewal?.id) this.#renewal?.answered(false);
    if (channel === undefined) {
      if (this.#v2 && code === 'bad_message') this.#dropPositions();
      return this.#emit('onError', { code, message });
    }
    if (code === 'unknown_action') {
      // The route has no presence; the subscription stands.
      this.#forgetPresence(channel);
      return this.#emit('onError', { code, message, channel });
    }
    if (code === 'unavailable') {
      setTimer(this.#longDelay(), () => this.#subscriptions.has(channel) && this.#request('subscribe', channel));
    } else {
      this.#subscriptions.delete(channel);
      this.#forgetPresence(channel);
      this.#positions.leave(channel);
    }
    const resumesLater = this.#v2 && this.#subscriptions.has(channel) && this.#positions.since(channel);
    this.#emit('onError', { code, message, channel });
    if (!resumesLater) this.#answered(channel);
    else if (this.#pending.delete(channel)) this.#scheduleRetry();
  }

  /** The server refused a message, maybe for its position: repeats it without. */
  #dropPositions() {
    const resuming = [...this.#pending].filter((channel) => this.#positions.since(channel));
    const { since, ids } = this.#resumption();
    const authenticating = this.#state.name === 'connecting' && (since || ids);
    if (resuming.length > 0 || authenticating) this.#positions.forget();
    if (authenticating) return this.#disconnected(1006, 'the position was refused');
    for (const channel of resuming) if (this.#subscriptions.has(channel)) this.#request('subscribe', channel);
  }

  /** @param {string} channel */
  #answered(channel) {
    if (this.#pending.delete(channel)) this.#scheduleRetry();
    if (this.#resubscribing.delete(channel)) this.#emitGap();
  }

  /** Reports the time between two connections as a gap once all channels are back, unless all of them resumed. */
  #emitGap() {
    if (this.#gapSince === 0 || this.#resubscribing.size > 0) return;
    const since = new Date(this.#gapSince).toISOString();
    const hasGap = this.#hasGap;
    this.#gapSince = 0;
    this.#hasGap = false;
    if (hasGap) this.#emit('onGap', { since, until: new Date().toISOString() });
  }

  /** @param {'subscribe' | 'unsubscribe'} action @param {string} channel */
  #request(action, channel) {
    if (this.#state.name !== 'open') return; // Once open, all subscriptions are requested.
    this.#requests.set(channel, action);
    queueMicrotask(() => this.#sendRequests());
  }

  /** Sends the requests in batches that the server accepts, at the rate that it allows. */
  #sendRequests() {
    for (const action of /** @type {const} */ (['unsubscribe', 'subscribe'])) {
      const channels = [...this.#requests.keys()].filter((channel) => this.#requests.get(channel) === action);
      // Channels that resume from the same position share messages.
      channels.sort((a, b) => compare(this.#since(a) ?? '', this.#since(b) ?? '') || compare(this.#asks(a), this.#asks(b)));
      while (channels.length > 0) {
        if (this.#budget < BATCH) {
          this.#requestTimer ??= setTimer(BATCH_EVERY_MS, () => {
            this.#requestTimer = undefined;
            this.#budget += BATCH;
            this.#sendRequests();
          });
          return this.#scheduleRetry();
        }
        const since = action === 'subscribe' ? this.#since(channels[0]) : undefined;
        const presence = (action === 'subscribe' && this.#asks(channels[0]) !== '') || undefined;
        const batch = channels.splice(0, this.#batchSize({ action, since, presence }, channels));
        this.#budget -= batch.length;
        for (const channel of batch) {
          this.#requests.delete(channel);
          if (action === 'subscribe') this.#pending.add(channel);
          else this.#pending.delete(channel);
        }
        this.#send({ action, channels: batch, since, presence, id: action });
      }
    }
    this.#scheduleRetry();
  }

  /** @param {string} channel @returns {string | undefined} where this connection can resume it */
  #since(channel) {
    return this.#v2 ? this.#positions.since(channel) : undefined;
  }

  /** Whether to ask who hears the channel; empty if not. @param {string} channel */
  #asks(channel) {
    return this.#v2 && this.#presence.has(channel) ? 'presence' : '';
  }

  /**
   * How many channels go into one message: at least one, and all with the same position, and alike in presence.
   *
   * @param {{action: string, since: string | undefined, presence: true | undefined}} message @param {string[]} channels
   */
  #batchSize({ action, since, presence }, channels) {
    let count = 1;
    let length = jsonSize({ action, channels: [channels[0]], since, presence, id: action });
    while (count < Math.min(channels.length, BATCH)) {
      if (action === 'subscribe' && this.#since(channels[count]) !== since) break;
      if (action === 'subscribe' && this.#asks(channels[count]) !== (presence ? 'presence' : '')) break;
      length += jsonSize(channels[count]) + 1;
      if (length > this.#options.maxFrame) break;
      count++;
    }
    return count;
  }

  /** Why the name is invalid; undefined if it is valid. @param {unknown} channel */
  #invalidName(channel) {
    if (typeof channel !== 'string') return 'a channel must be text';
    const id = channel.slice(channel.indexOf(':') + 1);
    if (channel.indexOf(':') < 1 || id === '') return 'a channel must be a prefix, a colon and an id';
    if (/\p{Surrogate}/u.test(channel)) return 'a channel must not contain lone surrogates';
    if (new TextEncoder().encode(id).length > MAX_ID) return `the id of a channel has at most ${MAX_ID} bytes`;
    const message = {
      action: 'subscribe',
      channels: [channel],
      since: 'x'.repeat(MAX_POSITION),
      presence: true,
      id: 'subscribe',
    };
    return jsonSize(message) > this.#options.maxFrame ? 'a channel must fit into a message' : undefined;
  }

  /** Repeats subscriptions that are not answered in time. */
  #scheduleRetry() {
    clearTimeout(this.#retryTimer);
    if (this.#pending.size === 0) return;
    this.#retryTimer = setTimer(this.#options.timeout, () => {
      const channels = [...this.#pending];
      this.#pending.clear();
      for (const channel of channels) if (this.#subscriptions.has(channel)) this.#request('subscribe', channel);
    });
  }

  async #refresh() {
    const { timeout, token } = this.#options;
    const { signal } = this.#attempt;
    if (this.#state.name !== 'open' || !token) return false;
    const receivedAt = Date.now();
    let got = '';
    try {
      got = await this.#getToken(token);
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
    try {
      return await withTimeout(timeout, signal, () => this.#sendToken(got, receivedAt));
    } catch {
      if (!signal.aborted) this.#probe();
      return false;
    }
  }

  /** @param {string} token @param {number} receivedAt @returns {Promise<boolean>} whether the server accepts it */
  #sendToken(token, receivedAt) {
    // A late answer to the previous renewal must not count for this one.
    const id = this.#renewal?.pending ? `refresh-${++this.#renewalCount}` : 'refresh';
    return new Promise((resolve) => {
      /** @type {Renewal} */
      const renewal = {
        id,
        token,
        receivedAt,
        pending: true,
        answered(accepted) {
          renewal.pending = false;
          resolve(accepted);
        },
      };
      this.#renewal = renewal;
      this.#send({ type: 'auth', token, id });
    });
  }

  /** The server accepted a token, maybe after the timeout. @param {unknown} id */
  #renewed(id) {
    const renewal = this.#renewal;
    if (!renewal || renewal.id !== id) return;
    this.#setToken(renewal.token, renewal.receivedAt);
    renewal.answered(true);
    this.#scheduleRefresh();
  }

  /** Schedules the next renewal, with jitter, well before the token expires. */
  #scheduleRefresh() {
    clearTimeout(this.#refreshTimer);
    this.#refreshAt = Infinity;
    const left = this.#expiresAt - Date.now();
    if (this.#state.name !== 'open' || Number.isNaN(left)) return;
    // Without a minimum, a clock that is ahead by nearly the token's life would cause constant renewals.
    const least = Math.max(1_000, this.#life / 50 || 0);
    const delay = left > 0 ? Math.max(least, left * (0.7 + 0.15 * Math.random())) : this.#longDelay();
    this.#refreshAt = Date.now() + delay;
    this.#refreshTimer = setTimer(delay, () => this.#renew());
  }

  #renew() {
    this.refresh().catch((error) => this.#emit('onError', { code: 'no_token', message: String(error) }));
  }

  /** Pings a silent connection and drops one that is silent for too long; reschedules itself. */
  #checkLiveness() {
    clearTimeout(this.#timer);
    const now = Date.now();
    // The clock may have been set back.
    this.#lastMessageAt = Math.min(this.#lastMessageAt, now);
    this.#pingedAt = Math.min(this.#pingedAt, now);
    const doubtAt = this.#lastMessageAt + 2 * this.#options.heartbeat;
    if (doubtAt <= now) this.#ping();
    const left = this.#deadAt() - now;
    this.#timer = setTimer(Math.max(doubtAt > now ? Math.min(left, doubtAt - now) : left, QUEUED_MS), () => {
      if (left <= 0 && this.#deadAt() <= Date.now()) this.#disconnected(1006, 'the server is silent');
      else this.#checkLiveness();
    });
  }

  #deadAt() {
    const silentAt = this.#lastMessageAt + 3 * this.#options.heartbeat;
    return this.#pingedAt ? Math.min(silentAt, Math.max(this.#pingedAt, this.#lastMessageAt) + PONG_MS) : silentAt;
  }

  /** Pings a connection that may be dead, and drops it if no answer comes. */
  #probe() {
    if (this.#state.name !== 'open') return;
    if ((this.#socket?.readyState ?? 3) > 1) return this.#disconnected(1006, 'closed without an event');
    this.#ping();
    this.#checkLiveness();
  }

  /** Sends a ping, if none is unanswered, and at most one a second. */
  #ping() {
    if (this.#pingedAt) return;
    const wait = this.#lastPingAt + PING_EVERY_MS - Date.now();
    clearTimeout(this.#pingTimer);
    if (wait > 0 && wait <= PING_EVERY_MS) {
      this.#pingTimer = setTimer(wait, () => this.#probe());
      return;
    }
    this.#pingedAt = this.#lastPingAt = Date.now();
    this.#send({ action: 'ping', id: `ping-${++this.#pingCount}` });
  }

  /**
   * The network or the page is back; timers may have stood still.
   *
   * @param {boolean} elsewhere whether the network may have changed, so that an attempt on the old one gets no answer
   */
  #wake(elsewhere) {
    const state = this.#state;
    const { firstDelay } = this.#options;
    if (state.name === 'open') {
      this.#probe();
      if (Date.now() >= this.#refreshAt) this.#renew();
    } else if (state.name === 'connecting' && elsewhere && Date.now() - this.#startedAt >= PONG_MS) {
      this.#drop();
      this.#wait(1006, 'the network is back', Math.random() * firstDelay);
    } else if (state.name === 'waiting' && !RECONNECT_LATER.has(state.code) && state.delay > firstDelay) {
      this.#wait(state.code, state.reason, Math.random() * firstDelay);
    }
  }

  /** @param {number} code @param {string} reason */
  #disconnected(code, reason) {
    if (code === RATE_LIMITED) this.#rateLimited = true;
    if (this.#openedAt) {
      if (code === EXPIRED) this.#adjustClock();
      if (Date.now() - this.#openedAt >= STABLE_MS) this.#attempts = this.#refusedTokens = 0;
      this.#gapSince ||= this.#lastMessageAt;
    }
    const { since, ids } = this.#resumption();
    const misunderstood = code === BAD_AUTH && this.#v2 && (since !== undefined || ids !== undefined);
    if (misunderstood) this.#positions.forget();
    this.#drop();
    if (TOKEN_REFUSED.has(code)) this.#refusedTokens++;
    const hopeless = (FINAL.has(code) && !misunderstood) || (code === AUTH_TIMEOUT && !this.#token);
    if (hopeless || this.#refusedTokens === MAX_REFUSED_TOKENS) return this.#end(code, reason);
    const { firstDelay, maxDelay } = this.#options;
    const ceiling = Math.min(maxDelay, firstDelay * 2 ** this.#attempts++);
    this.#wait(code, reason, RECONNECT_LATER.has(code) ? this.#longDelay() : Math.random() * ceiling);
  }

  /** The server just closed at the token's `exp` plus skew, which reveals its time. */
  #adjustClock() {
    const { exp } = claims(this.#token);
    const now = Date.now();
    // If this machine was asleep, the close arrived late and says nothing about the clock.
    if (exp && now - this.#lastMessageAt < 2 * this.#options.heartbeat) this.#clockAhead = now - exp - SKEW_MS;
  }

  #longDelay() {
    return (0.5 + 0.5 * Math.random()) * this.#options.maxDelay;
  }

  /** @param {number} code @param {string} reason @param {number} delay */
  #wait(code, reason, delay) {
    this.#setState({ name: 'waiting', delay, code, reason }, delay, () => this.#connect());
  }

  /** @param {number} code @param {string} reason */
  #end(code, reason) {
    if (this.#state.name === 'closed') return;
    this.#drop();
    this.#gapSince = 0;
    this.#subscriptions.clear();
    this.#presence.clear();
    this.#ended.abort();
    this.#setState({ name: 'closed', code, reason });
  }

  /** Drops the connection or attempt without waiting for the close event, which takes long if the peer is gone. */
  #drop() {
    this.#attemptId++;
    this.#openedAt = 0;
    this.#positions.disconnect();
    for (const timer of [this.#refreshTimer, this.#pingTimer, this.#requestTimer, this.#retryTimer]) clearTimeout(timer);
    this.#requestTimer = undefined;
    this.#refreshAt = Infinity;
    this.#pingedAt = 0;
    this.#renewal = undefined;
    this.#requests.clear();
    this.#pending.clear();
    this.#attempt.abort();
    this.#attempt = new AbortController();
    if (!this.#socket) return;
    abandon(this.#socket);
    this.#socket = undefined;
    this.#v2 = false;
  }

  /** @param {State} state @param {number} [delay] @param {() => void} [next] runs after the delay */
  #setState(state, delay = 0, next) {
    clearTimeout(this.#timer);
    if (next) this.#timer = setTimer(delay, next);
    this.#state = state;
    this.#emit('onState', state);
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  /**
   * Calls the function of this name in the options and of each listener.
   *
   * @param {keyof Listener} name @param {any} what @param {any} [from]
   */
  #emit(name, what, from) {
    call(() => this.#options[name]?.(what, from));
    for (const entry of [...this.#listeners]) {
      if (this.#listeners.has(entry)) call(() => entry.listener[name]?.(what, from));
    }
  }
}

/** Runs it. What it throws becomes an uncaught error of the page and does not stop the module. @param {() => void} run */
function call(run) {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** `setTimeout` for any delay: it fires at once for delays over 2^31 ms. @param {number} ms @param {() => void} then */
function setTimer(ms, then) {
  return setTimeout(then, Math.min(ms, 2 ** 31 - 1));
}

/** Closes a socket and ignores its further events. @param {WebSocket} socket */
function abandon(socket) {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.close();
}

/** @param {string} a @param {string} b */
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** @param {string} a @param {string} b IDs of entries, whose numbers may exceed those of JavaScript */
function compareEntries(a, b) {
  const [[millis, number], [otherMillis, otherNumber]] = [a.split('-'), b.split('-')];
  return (
    millis.length - otherMillis.length ||
    compare(millis, otherMillis) ||
    number.length - otherNumber.length ||
    compare(number, otherNumber)
  );
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Length as JSON, in bytes. @param {unknown} what */
function jsonSize(what) {
  return new TextEncoder().encode(JSON.stringify(what)).length;
}

/**
 * Settles like the result; rejects after the timeout, or when the signal aborts.
 *
 * @template T
 * @param {number} ms @param {AbortSignal} signal @param {() => T | PromiseLike<T>} ask
 * @returns {Promise<T>}
 */
function withTimeout(ms, signal, ask) {
  return new Promise((resolve, reject) => {
    const timer = setTimer(ms, () => end(() => reject(new Error(`no answer within ${ms} ms`))));
    const abort = () => end(() => reject(new Error('the attempt ended')));
    /** @param {() => void} how */
    const end = (how) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      how();
    };
    signal.addEventListener('abort', abort);
    if (signal.aborted) return abort();
    // Also turns an exception into a rejection.
    new Promise((/** @type {(answer: T | PromiseLike<T>) => void} */ answer) => answer(ask())).then(
      (answer) => end(() => resolve(answer)),
      (error) => end(() => reject(error)),
    );
  });
}

/** `exp` and `iat` of a token in ms; NaN where missing. @param {string} token */
function claims(token) {
  try {
    const { exp, iat } = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
    return { exp: 1_000 * exp, iat: 1_000 * iat };
  } catch {
    return { exp: NaN, iat: NaN };
  }
}
