import type { Sluice, State } from './sluice.js';
import type { ChannelOptions, Presence } from './channels.js';
/** @import { Sluice, State } from './sluice.js' */
/** @import { ChannelOptions, Presence } from './channels.js' */
/**
 * Subscribes to the channel while the component is mounted. Components may share a connection and a channel.
 *
 * @param {Sluice | undefined} sluice the connection; none where a server renders the page
 * @param {string | null | undefined} channel such as `upload:42`; none subscribes to nothing
 * @param {ChannelOptions} [options] their functions may change with each render
 * @returns {{data: string | ArrayBuffer | undefined, state: State}} the channel's last publication, as it was published,
 *   and the state of the connection
 */
export declare function useSluice(sluice: Sluice | undefined, channel: string | null | undefined, options?: ChannelOptions): {
    data: string | ArrayBuffer | undefined;
    state: State;
};
/**
 * Shows who hears the channel while the component is mounted, and subscribes to it. The server must allow it on the channel's
 * route. Components may share a channel.
 *
 * @param {Sluice | undefined} sluice the connection; none where a server renders the page
 * @param {string | null | undefined} channel such as `team:red`; without one, no users
 * @returns {Presence | undefined} the users, and whether these are all; `undefined` until the server tells
 */
export declare function usePresence(sluice: Sluice | undefined, channel: string | null | undefined): Presence | undefined;
