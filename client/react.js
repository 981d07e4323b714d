// React hooks that show a channel, and who hears it.

import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react';
import { channelsOf, CONNECTING } from './channels.js';

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
export function useSluice(sluice, channel, options = {}) {
  const { own = false } = options;
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const join = useCallback(
    (/** @type {() => void} */ changed) => {
      if (!sluice || !channel) return () => {};
      return channelsOf(sluice).join(channel, own, {
        onMessage(data) {
          changed();
          latest.current.onMessage?.(data);
        },
        onMissed: (missed) => latest.current.onMissed?.(missed),
        onGap: (gap) => latest.current.onGap?.(gap),
        onError: (error) => latest.current.onError?.(error),
      });
    },
    [sluice, channel, own],
  );
  const listen = useCallback(
    (/** @type {() => void} */ changed) => sluice?.listen({ onState: changed }) ?? (() => {}),
    [sluice],
  );
  const data = useSyncExternalStore(
    join,
    () => (sluice && channel ? channelsOf(sluice).last(channel) : undefined),
    () => undefined,
  );
  const state = useSyncExternalStore(
    listen,
    () => sluice?.state ?? CONNECTING,
    () => CONNECTING,
  );
  return { data, state };
}

/**
 * Shows who hears the channel while the component is mounted, and subscribes to it. The server must allow it on the channel's
 * route. Components may share a channel.
 *
 * @param {Sluice | undefined} sluice the connection; none where a server renders the page
 * @param {string | null | undefined} channel such as `team:red`; without one, no users
 * @returns {Presence | undefined} the users, and whether these are all; `undefined` until the server tells
 */
export function usePresence(sluice, channel) {
  const watch = useCallback(
    (/** @type {() => void} */ changed) =>
      sluice && channel ? channelsOf(sluice).watch(channel, changed) : () => {},
    [sluice, channel],
  );
  return useSyncExternalStore(
    watch,
    () => (sluice && channel ? channelsOf(sluice).presence(channel) : undefined),
    () => undefined,
  );
}
