// Vue composables that show a channel, and who hears it.

import { onScopeDispose, shallowRef, toValue, watch } from 'vue';
import { channelsOf, CONNECTING } from './channels.js';

/** @import { MaybeRefOrGetter, ShallowRef } from 'vue' */
/** @import { Sluice, State } from './sluice.js' */
/** @import { ChannelOptions, Presence } from './channels.js' */

/**
 * Subscribes to the channel while the component is mounted. Components may share a connection and a channel.
 *
 * @param {Sluice | undefined} sluice the connection; none where a server renders the page
 * @param {MaybeRefOrGetter<string | null | undefined>} channel such as `upload:42`; none subscribes to nothing
 * @param {ChannelOptions} [options]
 * @returns {{data: Readonly<ShallowRef<string | ArrayBuffer | undefined>>, state: Readonly<ShallowRef<State>>}} the
 *   channel's last publication, as it was published, and the state of the connection
 */
export function useSluice(sluice, channel, options = {}) {
  const { own = false } = options;
  const data = shallowRef(/** @type {string | ArrayBuffer | undefined} */ (undefined));
  const state = shallowRef(sluice?.state ?? CONNECTING);
  if (sluice) {
    onScopeDispose(sluice.listen({ onState: (now) => (state.value = now) }));
    watch(
      () => toValue(channel),
      (name, _, onCleanup) => {
        data.value = undefined;
        if (!name) return;
        const leave = channelsOf(sluice).join(name, own, {
          ...options,
          onMessage(published) {
            data.value = published;
            options.onMessage?.(published);
          },
        });
        data.value = channelsOf(sluice).last(name);
        onCleanup(leave);
      },
      { immediate: true },
    );
  }
  return { data, state };
}

/**
 * Shows who hears the channel while the component is mounted, and subscribes to it. The server must allow it on the channel's
 * route. Components may share a channel.
 *
 * @param {Sluice | undefined} sluice the connection; none where a server renders the page
 * @param {MaybeRefOrGetter<string | null | undefined>} channel such as `team:red`; without one, no users
 * @returns {Readonly<ShallowRef<Presence | undefined>>} the users, and whether these are all; `undefined` until the server
 *   tells
 */
export function usePresence(sluice, channel) {
  const presence = shallowRef(/** @type {Presence | undefined} */ (undefined));
  if (sluice) {
    watch(
      () => toValue(channel),
      (name, _, onCleanup) => {
        presence.value = undefined;
        if (!name) return;
        const channels = channelsOf(sluice);
        const show = () => (presence.value = channels.presence(name));
        onCleanup(channels.watch(name, show));
        show();
      },
      { immediate: true },
    );
  }
  return presence;
}
