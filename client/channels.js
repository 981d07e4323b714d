// What the components of a page share: for each connection, the last publication of the channels that they show.

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

  /** @param {Sluice} sluice */
  constructor(sluice) {
    this.#sluice = sluice;
    sluice.listen({
      onMessage: (data, { channel }) => {
        const found = this.#channels.get(channel);
        if (!found) return;
        found.data = data;
        tell(found, (component) => component.onMessage?.(data));
      },
      onMissed: ({ channel, count }) =>
        tell(this.#channels.get(channel), (component) => component.onMissed?.({ count })),
      onError: ({ code, message, channel }) => {
        if (channel !== undefined) tell(this.#channels.get(channel), (component) => component.onError?.({ code, message }));
      },
      onGap: ({ since, until, channel: of }) => {
        for (const [name, channel] of [...this.#channels]) {
          if (of === undefined || of === name) tell(channel, (component) => component.onGap?.({ since, until }));
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
}

/**
 * Calls each component. What one throws becomes an uncaught error of the page and does not keep it from the others.
 *
 * @param {Channel | undefined} channel @param {(component: Component) => void} what
 */
function tell(channel, what) {
  for (const component of [...(channel?.components ?? [])]) {
    try {
      what(component);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
