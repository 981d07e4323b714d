// What the components of a page share: for each connection, the last publication of the channels that they show, and who
// hears these channels.

/** @import { Sluice, State } from './sluice.js' */

/**
 * @typedef {object} ChannelOptions
 * @property {boolean} [own] whether it is one of the user's own channels, such as `user:7`, which need no subscription
 * @property {(data: string | ArrayBuffer) => void} [onMessage] each publication of the channel, as it was published
 * @property {(missed: {count: number}) => void} [onMissed] how many publications the server skipped because this client
 *   is too slow; the newest follows
 * @property {(gap: {since: string, until: string | null}) => void} [onGap] publications of any channel, or of this one, may
 *   be lost; once `until` is set, fetch the current state
 * @property {(error: {code: string, message: string}) => void} [onError] the server refused the channel
 */

/** @typedef {Omit<ChannelOptions, 'own'>} Component */

/** @typedef {{data: string | ArrayBuffer | undefined, components: Set<Component>, end: () => void}} Channel */

/** @typedef {{users: string[], complete: boolean}} Presence who hears a channel; not `complete`: users may be missing */

/** @typedef {{presence: Presence | undefined, watchers: Set<{changed: () => void}>, end: () => void}} Watched */

/** The state without a connection, for example where a server renders the page. @type {State} */
export const CONNECTING = { name: 'connecting' };

/** @type {WeakMap<Sluice, Channels>} */
const ALL = new WeakMap();

/** @param {Sluice} sluice @returns {Channels} those of the connection */
export function channelsOf(sluice) {
  const channels = ALL.get(sluice) ?? new Channels(sluice);
  ALL.set(sluice, channels);
  return channels;
}

class Channels {
  #sluice;
  /** @type {Map<string | undefined, Channel>} */ #channels = new Map();
  /** @type {Map<string, Watched>} */ #watched = new Map();

  /** @param {Sluice} sluice */
  constructor(sluice) {
    this.#sluice = sluice;
    sluice.listen({
      onMessage: (data, { channel }) => {
        const found = this.#channels.get(channel);
        if (!found) return;
        found.data = data;
        tell(found.components, (component) => component.onMessage?.(data));
      },
      onMissed: ({ channel, count }) =>
        tell(this.#channels.get(channel)?.components, (component) => component.onMissed?.({ count })),
      onError: ({ code, message, channel }) => {
        if (channel === undefined) return;
        // After any other error, the server tells nothing more of the channel.
        if (code !== 'unavailable') this.#setPresence(channel, undefined);
        tell(this.#channels.get(channel)?.components, (component) => component.onError?.({ code, message }));
      },
      onPresence: ({ channel, users, complete }) => this.#setPresence(channel, { users, complete }),
      onGap: ({ since, until, channel: of }) => {
        for (const [name, channel] of [...this.#channels]) {
          if (of === undefined || of === name) tell(channel.components, (component) => component.onGap?.({ since, until }));
        }
      },
    });
  }

  /** @param {string} name @returns {string | ArrayBuffer | undefined} the last publication while components show it */
  last(name) {
    return this.#channels.get(name)?.data;
  }

  /**
   * Subscribes to the channel for the first of its components, and unsubscribes after the last.
   *
   * @param {string} name @param {boolean} own @param {Component} component
   * @returns {() => void} leaves
   */
  join(name, own, component) {
    /** @type {Channel} */
    const channel = this.#channels.get(name) ?? { data: undefined, components: new Set(), end: () => {} };
    channel.components.add(component);
    if (channel.components.size === 1) {
      this.#channels.set(name, channel);
      if (!own) channel.end = this.#sluice.subscribe(name);
    }
    return () => {
      if (channel.components.delete(component) && channel.components.size === 0) {
        this.#channels.delete(name);
        channel.end();
      }
    };
  }

  /** @param {string} name @param {Presence | undefined} presence */
  #setPresence(name, presence) {
    const watched = this.#watched.get(name);
    if (!watched || watched.presence === presence) return;
    watched.presence = presence;
    tell(watched.watchers, (watcher) => watcher.changed());
  }

  /** @param {string} name @returns {Presence | undefined} who hears the channel, while components watch it */
  presence(name) {
    return this.#watched.get(name)?.presence;
  }

  /**
   * Asks who hears the channel for the first of its watchers, until the last has left.
   *
   * @param {string} name @param {() => void} changed called after `presence` has changed
   * @returns {() => void} leaves
   */
  watch(name, changed) {
    const watched = this.#watched.get(name) ?? { presence: undefined, watchers: new Set(), end: () => {} };
    const watcher = { changed };
    watched.watchers.add(watcher);
    if (watched.watchers.size === 1) {
      this.#watched.set(name, watched);
      watched.end = this.#sluice.subscribe(name, { presence: true });
    }
    return () => {
      if (watched.watchers.delete(watcher) && watched.watchers.size === 0) {
        this.#watched.delete(name);
        watched.end();
      }
    };
  }
}

/**
 * Calls what each component has given. What one throws becomes an uncaught error of the page and does not keep it from the
 * others.
 *
 * @template T
 * @param {Set<T> | undefined} components @param {(component: T) => void} what
 */
function tell(components, what) {
  for (const component of [...(components ?? [])]) {
    try {
      what(component);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
