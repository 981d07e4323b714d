// Compiled, not run: a page in TypeScript, and mistakes that the types must reject.

import { Sluice, type Options, type State } from 'sluice-client';

const options: Options = {
  token: async () => (await fetch('/token')).text(),
  timeout: 10_000,
  maxFrame: 16_384,
  onMessage: (data, { channel }) => console.log(channel?.length, typeof data === 'string' ? data.length : data.byteLength),
  onSubscribed: ({ channel, retained }) => console.log(channel.length, retained ? 1 : 0),
  onGap: ({ since, until }) => console.log(since, until ?? 'now'),
  onMissed: ({ channel, count }) => console.log(channel, count.toFixed()),
  onPresence: ({ channel, users, complete, joined, left }) => console.log(channel, users.length, complete, joined ?? left),
  onError: ({ code, channel }) => console.log(code, channel?.length),
  onState: (state: State) => console.log(state.name === 'open' ? state.user : state.name),
};
const sluice = new Sluice('/ws', options);
const end: () => void = sluice.subscribe('upload:42');
end();
sluice.subscribe('team:red', { presence: true })();
const accepted: boolean = await sluice.refresh();
console.log(accepted, sluice.state.name);
const unlisten: () => void = sluice.listen({ onMessage: (data, { channel }) => console.log(data, channel) });
unlisten();
sluice.close();

// @ts-expect-error a channel must be text
sluice.subscribe(42);
// @ts-expect-error no such option
sluice.subscribe('team:red', { present: true });
// @ts-expect-error only the state `waiting` has a delay
console.log(sluice.state.delay);
// @ts-expect-error a listener has no options
sluice.listen({ timeout: 1 });
// @ts-expect-error no such option
new Sluice('/ws', { onmessage: () => {} });
