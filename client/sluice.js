// One connection to Sluice that authenticates, comes back, and remembers what it listens to.
// No dependencies and no build: a page imports it as it is. What goes over the wire: docs/protocol.md.

/**
 * @typedef {object} Options
 * @property {() => string | Promise<string>} [token] asked for a JWT at each connection and before the last one
 *   expires; left out where the upgrade carries a cookie
 * @property {(data: string | ArrayBuffer, from: {channel?: string}) => void} [onMessage] a payload as it was published,
 *   and its channel; `undefined` if the server speaks only version 1 of the protocol
 * @property {(subscribed: {channel: string, retained: boolean}) => void} [onSubscribed] from here on the channel is
 *   heard, told after each return as well; `retained`: the newest publication follows
 * @property {(missed: {channel: string, count: number}) => void} [onMissed] so many publications were passed over
 *   because this client was too slow; the newest follows
 * @property {(gap: {since: string, until: string | null}) => void} [onGap] publications may be lost; once it has an
 *   `until`, fetch what depends on them
 * @property {(error: {code: string, message: string, channel?: string}) => void} [onError] something was refused, with
 *   an error code of the protocol, or `revoked` (a channel), or `no_token` (none to refresh with); `bad_channel` also
 *   for a name that could not even be sent
 * @property {(state: State) => void} [onState]
 * @property {number} [heartbeat] ms, at least the server's `sluice.heartbeat.interval`; silent for three, it is left
 * @property {number} [timeout] ms to wait for a connection, token included; for `token()` and its answer on renewal; and
 *   for the answer to a subscription before it is asked for again
 * @property {number} [maxFrame] bytes, at most the server's `sluice.max-frame`; nothing longer is sent
 * @property {number} [firstDelay] ms before the first attempt to come back, at most; doubled for each other
 * @property {number} [maxDelay] ms before any attempt, at most
 * @property {new (url: string, protocols?: string[]) => WebSocket} [WebSocket] another than the global one
 */

/**
 * `waiting` goes on by itself, `closed` is for good.
 *
 * @typedef {{name: 'connecting'} | {name: 'open', user: string}
 *   | {name: 'waiting', delay: number, code: number, reason: string}
 *   | {name: 'closed', code: number, reason: string}} State
 */

/**
 * @typedef {{id: string, token: string, receivedAt: number, pending: boolean, answered: (accepted: boolean) => void}} Shown
 */

/** The client's own mistake, or an operator's word: coming back would not help. */
const FINAL = new Set([1002, 1007, 1009, 4002, 4004, 4503]);
/** The first message was no auth message for the server: the reason may be the position in it. */
const MISUNDERSTOOD = 4002;
/** Nothing came in time: it had nothing to say, which is its own mistake, or the network was slow, which passes. */
const UNAUTHENTICATED = 4001;
/** The token is not good, or no longer. */
const TOKEN = new Set([4003, 4010]);
const EXPIRED = 4010;
/** More was said than the server takes at once. */
const FLOODED = 4029;
/** Too many are here, or too much was said. */
const LATER = new Set([1013, FLOODED]);

/** The second version says the channel and the position of each publication; the server chooses. */
const V2 = 'sluice.v2';
const SUBPROTOCOLS = [V2, 'sluice.v1'];
/** Failed upgrades in a row after which the module tries one without a subprotocol; the first figure holds until one was accepted. */
const FAILED_OFFERS = { first: 1, later: 5 };
const LINE_FEED = 10;

/** What control messages of version 1 begin with. Everything else is a payload. */
const OWN = /^\{"action":"(auth_success|auth_error|subscribed|unsubscribed|error|ping|pong|missed|gap)"/;

const MAX_REFUSED_TOKENS = 3;
/** Whatever failed before a connection that has lasted this long no longer counts. */
const STEADY_MS = 10_000;
/** Where the page was busy, or the machine asleep, what has come meanwhile is heard before anybody speaks of silence. */
const UNHEARD_MS = 500;
/** How long the answer to a ping may take where nothing else comes either. */
const PONG_MS = 5_000;
/** Between two pings, so that events which come in bursts cause one or two. */
const PING_EVERY_MS = 1_000;
/** Names in a message. Each counts as a frame against the server's rate. */
const BATCH = 50;
/** Names that the server's default burst leaves room for, and how often another batch fits into its default rate. */
const BURST = 400;
const BATCH_EVERY_MS = 1_250;
/** The server's limit on the part of a channel's name behind the first colon, in bytes. */
const MAX_ID = 256;
/** The server ends a connection this long after its token's `exp` (`mp.jwt.verify.clock.skew`). */
const SKEW_MS = 5_000;

/** An opaque position, which goes back to the server as it came. @param {unknown} at */
const isPosition = (at) => typeof at === 'string' && /^[!-~]{1,96}$/.test(at);

/** The longest position, in characters. */
const MAX_POSITION = 96;
/** Channels whose last position is remembered; beyond it, the one that was silent for longest is forgotten. */
const MAX_POSITIONS = 4_096;
/** Stands for the user's own channels, which are heard without a subscription. */
const OWN_CHANNELS = '';

/**
 * What this client has received, as positions: from where to resume each channel, and which publications are duplicates.
 * A server of version 1 sends no positions, so nothing is resumed.
 */
class Positions {
  /** The server has sent everything before it on this connection. */ #at = '';
  /** Channels that this connection hears. @type {Set<string>} */ #heard = new Set();
  /**
   * Where to resume the channels that an earlier connection heard; empty if unknown. Entries stay until all these channels
   * are answered and the server has sent what came after. @type {Map<string, string>}
   */
  #since = new Map();
  /** Channels that resume on this connection and have not been followed by an `at`. @type {Set<string>} */ #replaying = new Set();
  /** Last publication of each channel. @type {Map<string, {era: string, offset: number}>} */ #last = new Map();

  /** @param {string} channel @returns {string | undefined} where to resume it */
  since(channel) {
    return this.#heard.has(channel) ? undefined : this.#since.get(channel) || undefined;
  }

  /** @param {unknown} at of any message */
  keep(at) {
    if (!isPosition(at)) return;
    this.#at = /** @type {string} */ (at);
    if (this.#replaying.size === 0) return;
    for (const channel of this.#since.keys()) if (!this.#heard.has(channel)) return;
    for (const channel of this.#replaying) this.#since.delete(channel);
    this.#replaying.clear();
  }

  /**
   * The server confirmed a channel.
   *
   * @param {string} channel @param {{recovered?: boolean, at?: unknown}} answer
   * @returns {boolean} whether publications since an earlier connection are lost
   */
  confirm(channel, { recovered, at }) {
    const resumes = this.#since.has(channel) && !this.#heard.has(channel);
    this.#heard.add(channel);
    if (!resumes) return false;
    if (recovered === true) {
      this.#replaying.add(channel);
      return false;
    }
    this.#since.delete(channel);
    // New positions may be lower, so they must not be compared with the old ones.
    if (channel !== OWN_CHANNELS) this.#last.delete(channel);
    else for (const own of this.#last.keys()) if (!this.#since.has(own) && !this.#heard.has(own)) this.#last.delete(own);
    this.#at = isPosition(at) ? /** @type {string} */ (at) : '';
    return true;
  }

  /** @param {string} channel @param {unknown} position @returns {boolean} whether it is newer than the channel's last one */
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

  /** @param {string} channel no longer listened to */
  leave(channel) {
    this.#heard.delete(channel);
    this.#since.delete(channel);
    this.#replaying.delete(channel);
    this.#last.delete(channel);
  }

  /** The connection ended. What it did not answer resumes where the one before ended. */
  disconnect() {
    for (const channel of this.#heard) if (!this.#since.has(channel)) this.#since.set(channel, this.#at);
    this.#heard.clear();
    this.#replaying.clear();
    this.#at = '';
  }

  /** Publications may be lost: no position names what was received. */
  forget() {
    this.#at = '';
    for (const channel of this.#since.keys()) this.#since.set(channel, '');
    this.#last.clear();
  }
}

export class Sluice {
  #url;
  #options;
  /** @type {State} */ #state = { name: 'connecting' };
  /** @type {WebSocket | undefined} */ #socket;
  /** Whether this connection speaks version 2. */ #v2 = false;
  /** Upgrades with subprotocols that failed in a row. */ #failedOffers = 0;
  /** How many of them make the module try one without. */ #maxFailedOffers = FAILED_OFFERS.first;
  /** Whether the server upgrades requests without a subprotocol. */ #acceptsNone = false;
  #positions = new Positions();
  /** Whether publications between two connections are lost, until that is told as a gap. */ #lost = false;
  #token = '';
  /** When the token expires by this machine's clock, as far as can be told; NaN where that can't. */ #expiresAt = NaN;
  /** The token's life in ms; NaN where it does not say. */ #life = NaN;
  /** How far this machine's clock was ahead of the server's when a token last expired. */ #clockAhead = 0;
  /** The connection, or the attempt at one, that counts. */ #turn = 0;
  #attempts = 0;
  #refusedTokens = 0;
  #startedAt = 0;
  #openedAt = 0;
  #heardAt = 0;
  /** When the connection before was last heard, until that is told as a gap. */ #lostAt = 0;
  /** What comes next by itself. @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #refreshTimer;
  /** When the token is to be renewed, by this machine's clock. */ #refreshAt = Infinity;
  /** @type {Promise<boolean> | undefined} */ #refreshing;
  /** The token shown last to renew with. @type {Shown | undefined} */ #shown;
  #shownCount = 0;
  /** When the ping was sent that is not answered yet, else 0. */ #pingedAt = 0;
  #lastPingAt = 0;
  #pingCount = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #pingTimer;
  /** Who listens to each channel. @type {Map<string, Set<symbol>>} */ #wanted = new Map();
  /** The last word on each channel, unsent. @type {Map<string, 'subscribe' | 'unsubscribe'>} */ #unsaid = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #unsaidTimer;
  /** How many names may be sent now. */ #budget = Infinity;
  /** Whether the server has ever closed for too many messages. */ #flooded = false;
  /** Channels asked for and not answered. @type {Set<string>} */ #asked = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #askedTimer;
  /** Channels to hear again before a gap is over. @type {Set<string>} */ #unanswered = new Set();
  /** Aborted with the connection, or the attempt at one. */ #attempt = new AbortController();
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
      timeout: 20_000,
      maxFrame: 32_768,
      firstDelay: 1_000,
      maxDelay: 30_000,
      WebSocket: globalThis.WebSocket,
      ...options,
    };
    const { signal } = this.#ended;
    // The page may come back from the back/forward cache, where its timers slept and its socket may have been closed.
    globalThis.addEventListener?.('online', () => this.#hurry(true), { signal });
    globalThis.addEventListener?.('pageshow', () => this.#hurry(false), { signal });
    const page = globalThis.document;
    page?.addEventListener('visibilitychange', () => page.visibilityState !== 'hidden' && this.#hurry(false), { signal });
    queueMicrotask(() => this.#connect());
  }

  get state() {
    return this.#state;
  }

  /**
   * Listens to a channel, now and after each return. Several may listen to the same: it ends with the last of them. A
   * name that can't be a channel's is not sent; `onError` is told `bad_channel`.
   *
   * @param {string} channel such as `upload:42`
   * @returns {() => void} ends it
   */
  subscribe(channel) {
    const wrong = this.#mistake(channel);
    if (wrong) {
      const error = { code: 'bad_channel', message: wrong, channel: String(channel) };
      queueMicrotask(() => this.#tell('onError', error));
      return () => {};
    }
    const listeners = this.#wanted.get(channel) ?? new Set();
    const listener = Symbol(channel);
    this.#wanted.set(channel, listeners.add(listener));
    this.#ask('subscribe', channel);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0 && this.#wanted.get(channel) === listeners) {
        this.#wanted.delete(channel);
        this.#positions.leave(channel);
        this.#ask('unsubscribe', channel);
      }
    };
  }

  /**
   * Shows a new token now, as when it grants more than the last one; before that one expires it happens by itself.
   *
   * @returns {Promise<boolean>} whether it was accepted; if not, or not in time, the last one still counts. False as well
   *   where there is no connection or it is lost meanwhile; rejects where `token()` gave none in time
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
    const { timeout, token } = this.#options;
    const turn = this.#turn;
    this.#startedAt = Date.now();
    this.#enter({ name: 'connecting' }, timeout, () => this.#lose(1006, 'no answer in time'));
    try {
      const got = token ? await this.#getToken(token) : '';
      if (turn === this.#turn) this.#open(got);
    } catch (error) {
      if (turn === this.#turn) this.#lose(1006, String(error));
    }
  }

  /**
   * Asks for a token. Rejects where none comes in time, or the connection it is for is given up meanwhile; what comes
   * later is ignored.
   *
   * @param {() => string | Promise<string>} token
   */
  async #getToken(token) {
    const got = await within(this.#options.timeout, this.#attempt.signal, token);
    if (got === undefined || got === null || got === '') throw new Error('token() gave none');
    if (bytes({ type: 'auth', token: got, id: 'refresh-00000000' }) > this.#options.maxFrame) {
      throw new Error('token() gave more than a message may hold');
    }
    return got;
  }

  /** @param {string} token */
  #open(token) {
    this.#use(token, this.#startedAt);
    this.#upgrade(this.#acceptsNone || this.#failedOffers < this.#maxFailedOffers);
  }

  /**
   * Browsers fail an upgrade whose subprotocols the server ignores, and do not tell that from an outage. So the module
   * then tries one without. Where that succeeds, it offers them once more, as the outage may just have ended.
   *
   * @param {boolean} offers whether it offers subprotocols
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
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code, reason }) => {
      if (offers && !opened) {
        this.#failedOffers++;
        if (this.#acceptsNone) return this.#upgrade(false);
      }
      this.#lose(code, reason);
    };
    socket.onerror = () => {}; // A close follows.
    this.#socket = socket;
  }

  /** Without a token the upgrade itself authenticates, and says where to resume. */
  #address() {
    const since = this.#options.token ? undefined : this.#positions.since(OWN_CHANNELS);
    if (!since) return this.#url;
    const url = new URL(this.#url);
    url.searchParams.set('since', since);
    return url.href;
  }

  #authenticate() {
    if (!this.#token) return;
    const message = { type: 'auth', token: this.#token };
    const resuming = { ...message, since: this.#v2 ? this.#positions.since(OWN_CHANNELS) : undefined };
    this.#say(bytes(resuming) > this.#options.maxFrame ? message : resuming);
  }

  /**
   * From now on this token counts. When it expires is counted from its receipt where it says when it was issued, as this
   * machine's clock may be wrong; where that clock makes sense it may only make it earlier, as the token may have been
   * kept for a while before it was handed over.
   *
   * @param {string} token @param {number} receivedAt
   */
  #use(token, receivedAt) {
    this.#token = token;
    const { exp, iat } = claims(token);
    const byClock = exp + this.#clockAhead;
    this.#life = exp - iat;
    const byLife = this.#life > 0 ? receivedAt + this.#life : NaN;
    if (byClock > receivedAt) this.#expiresAt = byLife < byClock ? byLife : byClock;
    else this.#expiresAt = byLife;
  }

  /** @param {string | ArrayBuffer} data */
  #hear(data) {
    this.#heardAt = Date.now();
    if (this.#v2) return this.#hearV2(data);
    const own = typeof data === 'string' && OWN.test(data) ? parse(data) : undefined;
    // An answer to another ping than the last is a payload.
    if (own?.action === undefined || (own.action === 'pong' && own.id !== `ping-${this.#pingCount}`)) {
      return this.#tell('onMessage', data, { channel: undefined });
    }
    this.#obey(own);
  }

  /** A publication is a header, a line feed and the payload; a control message has no line feed. @param {string | ArrayBuffer} data */
  #hearV2(data) {
    const text = typeof data === 'string';
    const end = text ? data.indexOf('\n') : new Uint8Array(data).indexOf(LINE_FEED);
    const header = end < 0 ? data : data.slice(0, end);
    const message = parse(typeof header === 'string' ? header : new TextDecoder().decode(header)) ?? {};
    this.#positions.keep(message.at);
    if (end < 0) return this.#obey(message);
    const { channel, at, pos } = message;
    if (this.#positions.advance(channel, at ?? pos)) this.#tell('onMessage', data.slice(end + 1), { channel });
  }

  /** @param {any} own a control message */
  #obey(own) {
    switch (own.action) {
      case 'ping':
        return this.#say({ action: 'pong' });
      case 'auth_success':
        return own.id === undefined ? this.#admitted(own) : this.#renewed(own.id);
      case 'pong':
        if (own.id === `ping-${this.#pingCount}`) this.#pingedAt = 0;
        return;
      case 'subscribed':
        this.#confirm(own.channel, own);
        this.#tell('onSubscribed', { channel: own.channel, retained: own.retained === true });
        return this.#answered(own.channel);
      case 'unsubscribed':
        this.#positions.leave(own.channel);
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
        this.#positions.forget();
        return this.#tell('onGap', { since: own.since, until: own.until });
    }
  }

  /** @param {{user_id: string, recovered?: boolean, at?: unknown}} answer */
  #admitted(answer) {
    if (this.#state.name !== 'connecting') return;
    this.#openedAt = this.#heardAt;
    this.#confirm(OWN_CHANNELS, answer);
    if (this.#lostAt) this.#unanswered = new Set(this.#wanted.keys());
    this.#budget = this.#flooded ? BURST : Infinity;
    this.#enter({ name: 'open', user: answer.user_id });
    if (this.state.name !== 'open') return; // The page has closed it.
    this.#watch();
    this.#scheduleRefresh();
    for (const channel of this.#wanted.keys()) this.#ask('subscribe', channel);
    this.#tellLoss();
  }

  /** @param {string} channel @param {{recovered?: boolean, at?: unknown}} answer */
  #confirm(channel, answer) {
    if (this.#positions.confirm(channel, answer) && this.#lostAt) this.#lost = true;
  }

  /** @param {{code: string, message: string, channel?: string, id?: unknown}} error */
  #refused({ code, message, channel, id }) {
    if (id !== undefined && id === this.#shown?.id) this.#shown?.answered(false);
    if (channel === undefined) {
      if (this.#v2 && code === 'bad_message') this.#restart();
      return this.#tell('onError', { code, message });
    }
    if (code === 'unavailable') {
      after(this.#longDelay(), () => this.#wanted.has(channel) && this.#ask('subscribe', channel));
    } else {
      this.#wanted.delete(channel);
      this.#positions.leave(channel);
    }
    const resumesLater = this.#v2 && this.#wanted.has(channel) && this.#positions.since(channel);
    this.#tell('onError', { code, message, channel });
    if (!resumesLater) this.#answered(channel);
    else if (this.#asked.delete(channel)) this.#awaitAnswers();
  }

  /** The server may not understand the positions: does without them, instead of repeating what was refused. */
  #restart() {
    const resuming = [...this.#asked].filter((channel) => this.#positions.since(channel));
    const authenticating = this.#state.name === 'connecting' && this.#positions.since(OWN_CHANNELS);
    if (resuming.length > 0 || authenticating) this.#positions.forget();
    if (authenticating) return this.#lose(1006, 'the position was refused');
    for (const channel of resuming) if (this.#wanted.has(channel)) this.#ask('subscribe', channel);
  }

  /** @param {string} channel */
  #answered(channel) {
    if (this.#asked.delete(channel)) this.#awaitAnswers();
    if (this.#unanswered.delete(channel)) this.#tellLoss();
  }

  /** Tells the gap between two connections once every channel is heard again, unless all of them resumed. */
  #tellLoss() {
    if (this.#lostAt === 0 || this.#unanswered.size > 0) return;
    const since = new Date(this.#lostAt).toISOString();
    const lost = this.#lost;
    this.#lostAt = 0;
    this.#lost = false;
    if (lost) this.#tell('onGap', { since, until: new Date().toISOString() });
  }

  /** @param {'subscribe' | 'unsubscribe'} action @param {string} channel */
  #ask(action, channel) {
    if (this.#state.name !== 'open') return; // Then all that is wanted is asked for.
    this.#unsaid.set(channel, action);
    queueMicrotask(() => this.#askAll());
  }

  /** Sends what is unsaid, in messages that the server takes; what would be too much at once, a little later. */
  #askAll() {
    for (const action of /** @type {const} */ (['unsubscribe', 'subscribe'])) {
      const channels = [...this.#unsaid.keys()].filter((channel) => this.#unsaid.get(channel) === action);
      // Channels that resume from the same position share messages.
      channels.sort((a, b) => compare(this.#since(a) ?? '', this.#since(b) ?? ''));
      while (channels.length > 0) {
        if (this.#budget < BATCH) {
          this.#unsaidTimer ??= after(BATCH_EVERY_MS, () => {
            this.#unsaidTimer = undefined;
            this.#budget += BATCH;
            this.#askAll();
          });
          return this.#awaitAnswers();
        }
        const since = action === 'subscribe' ? this.#since(channels[0]) : undefined;
        const batch = channels.splice(0, this.#fitting({ action, since }, channels));
        this.#budget -= batch.length;
        for (const channel of batch) {
          this.#unsaid.delete(channel);
          if (action === 'subscribe') this.#asked.add(channel);
          else this.#asked.delete(channel);
        }
        this.#say({ action, channels: batch, since, id: action });
      }
    }
    this.#awaitAnswers();
  }

  /** @param {string} channel @returns {string | undefined} where this connection can resume it */
  #since(channel) {
    return this.#v2 ? this.#positions.since(channel) : undefined;
  }

  /**
   * How many of the channels fit into one message, at least one.
   *
   * @param {{action: string, since: string | undefined}} message @param {string[]} channels
   */
  #fitting({ action, since }, channels) {
    let count = 1;
    let length = bytes({ action, channels: [channels[0]], since, id: action });
    while (count < Math.min(channels.length, BATCH)) {
      if (action === 'subscribe' && this.#since(channels[count]) !== since) break;
      length += bytes(channels[count]) + 1;
      if (length > this.#options.maxFrame) break;
      count++;
    }
    return count;
  }

  /** Why this can't be a channel's name, if so. @param {unknown} channel */
  #mistake(channel) {
    if (typeof channel !== 'string') return 'a channel is text';
    const id = channel.slice(channel.indexOf(':') + 1);
    if (channel.indexOf(':') < 1 || id === '') return 'a channel is a prefix, a colon and an id';
    if (/\p{Surrogate}/u.test(channel)) return 'a channel is Unicode without lone surrogates';
    if (new TextEncoder().encode(id).length > MAX_ID) return `the id of a channel has at most ${MAX_ID} bytes`;
    const message = { action: 'subscribe', channels: [channel], since: 'x'.repeat(MAX_POSITION), id: 'subscribe' };
    return bytes(message) > this.#options.maxFrame ? 'a channel must fit into a message' : undefined;
  }

  /** Asks again for what has not been answered, where no answer has come for too long. */
  #awaitAnswers() {
    clearTimeout(this.#askedTimer);
    if (this.#asked.size === 0) return;
    this.#askedTimer = after(this.#options.timeout, () => {
      const channels = [...this.#asked];
      this.#asked.clear();
      for (const channel of channels) if (this.#wanted.has(channel)) this.#ask('subscribe', channel);
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
      return await within(timeout, signal, () => this.#show(got, receivedAt));
    } catch {
      if (!signal.aborted) this.#doubt();
      return false;
    }
  }

  /** @param {string} token @param {number} receivedAt @returns {Promise<boolean>} whether the server accepts it */
  #show(token, receivedAt) {
    // An answer that is late must not be taken for this one's.
    const id = this.#shown?.pending ? `refresh-${++this.#shownCount}` : 'refresh';
    return new Promise((resolve) => {
      /** @type {Shown} */
      const shown = {
        id,
        token,
        receivedAt,
        pending: true,
        answered(accepted) {
          shown.pending = false;
          resolve(accepted);
        },
      };
      this.#shown = shown;
      this.#say({ type: 'auth', token, id });
    });
  }

  /** The server has accepted a token, maybe later than was waited for. @param {unknown} id */
  #renewed(id) {
    const shown = this.#shown;
    if (!shown || shown.id !== id) return;
    this.#use(shown.token, shown.receivedAt);
    shown.answered(true);
    this.#scheduleRefresh();
  }

  /** Well before the token expires, not all clients at once, and again as long as the connection lasts. */
  #scheduleRefresh() {
    clearTimeout(this.#refreshTimer);
    this.#refreshAt = Infinity;
    const left = this.#expiresAt - Date.now();
    if (this.#state.name !== 'open' || Number.isNaN(left)) return;
    // A clock that is ahead by nearly a token's life would else have it renewed all the time.
    const least = Math.max(1_000, this.#life / 50 || 0);
    const delay = left > 0 ? Math.max(least, left * (0.7 + 0.15 * Math.random())) : this.#longDelay();
    this.#refreshAt = Date.now() + delay;
    this.#refreshTimer = after(delay, () => this.#renew());
  }

  #renew() {
    this.refresh().catch((error) => this.#tell('onError', { code: 'no_token', message: String(error) }));
  }

  /** Asks whether a connection still works on which little has come, and leaves one on which nothing has for too long. */
  #watch() {
    clearTimeout(this.#timer);
    const now = Date.now();
    // Where the clock was set back, what was heard can't have been later than now.
    this.#heardAt = Math.min(this.#heardAt, now);
    this.#pingedAt = Math.min(this.#pingedAt, now);
    const doubtAt = this.#heardAt + 2 * this.#options.heartbeat;
    if (doubtAt <= now) this.#ping();
    const left = this.#silentAt() - now;
    this.#timer = after(Math.max(doubtAt > now ? Math.min(left, doubtAt - now) : left, UNHEARD_MS), () => {
      if (left <= 0 && this.#silentAt() <= Date.now()) this.#lose(1006, 'nothing was heard');
      else this.#watch();
    });
  }

  #silentAt() {
    const silentAt = this.#heardAt + 3 * this.#options.heartbeat;
    return this.#pingedAt ? Math.min(silentAt, Math.max(this.#pingedAt, this.#heardAt) + PONG_MS) : silentAt;
  }

  /** Something has happened after which the connection may be dead without a word: asks, and leaves it unanswered. */
  #doubt() {
    if (this.#state.name !== 'open') return;
    if ((this.#socket?.readyState ?? 3) > 1) return this.#lose(1006, 'closed without a word');
    this.#ping();
    this.#watch();
  }

  /** Asks for a sign of life: one question at a time, one a second at most. */
  #ping() {
    if (this.#pingedAt) return;
    const wait = this.#lastPingAt + PING_EVERY_MS - Date.now();
    clearTimeout(this.#pingTimer);
    if (wait > 0 && wait <= PING_EVERY_MS) {
      this.#pingTimer = after(wait, () => this.#doubt());
      return;
    }
    this.#pingedAt = this.#lastPingAt = Date.now();
    this.#say({ action: 'ping', id: `ping-${++this.#pingCount}` });
  }

  /**
   * The network is back, or somebody looks at the page again; timers may have slept meanwhile.
   *
   * @param {boolean} elsewhere whether the network may be another, on which an attempt on the old one gets no answer
   */
  #hurry(elsewhere) {
    const state = this.#state;
    const { firstDelay } = this.#options;
    if (state.name === 'open') {
      this.#doubt();
      if (Date.now() >= this.#refreshAt) this.#renew();
    } else if (state.name === 'connecting' && elsewhere && Date.now() - this.#startedAt >= PONG_MS) {
      this.#drop();
      this.#wait(1006, 'the network is back', Math.random() * firstDelay);
    } else if (state.name === 'waiting' && !LATER.has(state.code) && state.delay > firstDelay) {
      this.#wait(state.code, state.reason, Math.random() * firstDelay);
    }
  }

  /** @param {number} code @param {string} reason */
  #lose(code, reason) {
    if (code === FLOODED) this.#flooded = true;
    if (this.#openedAt) {
      if (code === EXPIRED) this.#learnClock();
      if (Date.now() - this.#openedAt >= STEADY_MS) this.#attempts = this.#refusedTokens = 0;
      this.#lostAt ||= this.#heardAt;
    }
    const misunderstood = code === MISUNDERSTOOD && this.#v2 && this.#positions.since(OWN_CHANNELS) !== undefined;
    if (misunderstood) this.#positions.forget();
    this.#drop();
    if (TOKEN.has(code)) this.#refusedTokens++;
    const hopeless = (FINAL.has(code) && !misunderstood) || (code === UNAUTHENTICATED && !this.#token);
    if (hopeless || this.#refusedTokens === MAX_REFUSED_TOKENS) return this.#end(code, reason);
    const { firstDelay, maxDelay } = this.#options;
    const ceiling = Math.min(maxDelay, firstDelay * 2 ** this.#attempts++);
    this.#wait(code, reason, LATER.has(code) ? this.#longDelay() : Math.random() * ceiling);
  }

  /** The server has just found the token expired, which tells the time by its clock. */
  #learnClock() {
    const { exp } = claims(this.#token);
    const now = Date.now();
    // Where this machine has slept, the close came late.
    if (exp && now - this.#heardAt < 2 * this.#options.heartbeat) this.#clockAhead = now - exp - SKEW_MS;
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
    this.#positions.disconnect();
    for (const timer of [this.#refreshTimer, this.#pingTimer, this.#unsaidTimer, this.#askedTimer]) clearTimeout(timer);
    this.#unsaidTimer = undefined;
    this.#refreshAt = Infinity;
    this.#pingedAt = 0;
    this.#shown = undefined;
    this.#unsaid.clear();
    this.#asked.clear();
    this.#attempt.abort();
    this.#attempt = new AbortController();
    if (!this.#socket) return;
    abandon(this.#socket);
    this.#socket = undefined;
    this.#v2 = false;
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
   * @param {any} [from]
   */
  #tell(name, what, from) {
    try {
      this.#options[name]?.(what, from);
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

/** Closes it without hearing of it again. @param {WebSocket} socket */
function abandon(socket) {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.close();
}

/** @param {string} a @param {string} b */
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How long something is as JSON, in bytes. @param {unknown} what */
function bytes(what) {
  return new TextEncoder().encode(JSON.stringify(what)).length;
}

/**
 * Settles as the answer does; rejects where it takes too long, or is no longer wanted.
 *
 * @template T
 * @param {number} ms @param {AbortSignal} signal @param {() => T | PromiseLike<T>} ask
 * @returns {Promise<T>}
 */
function within(ms, signal, ask) {
  return new Promise((resolve, reject) => {
    const timer = after(ms, () => end(() => reject(new Error(`no answer within ${ms} ms`))));
    const abort = () => end(() => reject(new Error('the connection is given up')));
    /** @param {() => void} how */
    const end = (how) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      how();
    };
    signal.addEventListener('abort', abort);
    if (signal.aborted) return abort();
    // What is thrown at once is an answer as well.
    new Promise((/** @type {(answer: T | PromiseLike<T>) => void} */ answer) => answer(ask())).then(
      (answer) => end(() => resolve(answer)),
      (error) => end(() => reject(error)),
    );
  });
}

/** What a token says of its time, in ms; NaN where it does not. @param {string} token */
function claims(token) {
  try {
    const { exp, iat } = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
    return { exp: 1_000 * exp, iat: 1_000 * iat };
  } catch {
    return { exp: NaN, iat: NaN };
  }
}
