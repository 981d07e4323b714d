// A React hook that shows a channel.

import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react';
import { channelsOf, CONNECTING } from './channels.js';

/** @import { Sluice, State } from './sluice.js' */
/** @import { ChannelOptions } from './channels.js' */

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
