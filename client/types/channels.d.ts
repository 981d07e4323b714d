import type { Sluice, State } from './sluice.js';
export type ChannelOptions = {
    /**
     * whether it is one of the user's own channels, such as `user:7`, which need no subscription
     */
    own?: boolean;
    /**
     * each publication of the channel, as it was published
     */
    onMessage?: (data: string | ArrayBuffer) => void;
    /**
     * how many publications the server skipped because this client
     * is too slow; the newest follows
     */
    onMissed?: (missed: {
        count: number;
    }) => void;
    /**
     * publications of any channel, or of this one, may
     * be lost; once `until` is set, fetch the current state
     */
    onGap?: (gap: {
        since: string;
        until: string | null;
    }) => void;
    /**
     * the server refused the channel
     */
    onError?: (error: {
        code: string;
        message: string;
    }) => void;
};
export type Component = Omit<ChannelOptions, 'own'>;
export type Channel = {
    data: string | ArrayBuffer | undefined;
    components: Set<Component>;
    end: () => void;
};
export type Presence = {
    users: string[];
    complete: boolean;
};
export type Watched = {
    presence: Presence | undefined;
    watchers: Set<{
        changed: () => void;
    }>;
    end: () => void;
};
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
export declare const CONNECTING: State;
/** @param {Sluice} sluice @returns {Channels} those of the connection */
export declare function channelsOf(sluice: Sluice): Channels;
declare class Channels {
    #private;
    /** @param {Sluice} sluice */
    constructor(sluice: Sluice);
    /** @param {string} name @returns {string | ArrayBuffer | undefined} the last publication while components show it */
    last(name: string): string | ArrayBuffer | undefined;
    /**
     * Subscribes to the channel for the first of its components, and unsubscribes after the last.
     *
     * @param {string} name @param {boolean} own @param {Component} component
     * @returns {() => void} leaves
     */
    join(name: string, own: boolean, component: Component): () => void;
    /** @param {string} name @returns {Presence | undefined} who hears the channel, while components watch it */
    presence(name: string): Presence | undefined;
    /**
     * Asks who hears the channel for the first of its watchers, until the last has left.
     *
     * @param {string} name @param {() => void} changed called after `presence` has changed
     * @returns {() => void} leaves
     */
    watch(name: string, changed: () => void): () => void;
}
export {};
