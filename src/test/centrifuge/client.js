// A client with Centrifugo's SDK: runs each line of its input as a command, and prints a line for each event. Without a
// token as an argument, it connects with the first one of its input.
'use strict';
const { Centrifuge } = require('centrifuge');
const WebSocket = require('ws');

const [url, first] = process.argv.slice(2);
let token = first;
const say = (...words) => console.log(words.join(' '));
const json = (data) => JSON.stringify(data);

const client = new Centrifuge(url, {
  websocket: WebSocket,
  minReconnectDelay: 50,
  maxReconnectDelay: 500,
  maxServerPingDelay: 2000,
  getToken: async () => token,
});
client
  .on('connecting', ({ code }) => say('connecting', code))
  .on('connected', (context) => say('connected', context.client))
  .on('disconnected', ({ code }) => say('disconnected', code))
  .on('subscribed', ({ channel, wasRecovering, recovered }) => say('own', channel, wasRecovering, recovered))
  .on('publication', ({ channel, data }) => say('publication', channel, json(data)));

function subscribe(channel) {
  const subscription = client.newSubscription(channel, {
    minResubscribeDelay: 50,
    maxResubscribeDelay: 500,
    joinLeave: true,
  });
  subscription
    .on('subscribed', ({ wasRecovering, recovered }) => say('subscribed', channel, wasRecovering, recovered))
    .on('subscribing', ({ code }) => say('subscribing', channel, code))
    .on('unsubscribed', ({ code }) => say('unsubscribed', channel, code))
    .on('join', ({ info }) => say('join', channel, info.user))
    .on('leave', ({ info }) => say('leave', channel, info.user))
    .on('publication', ({ data }) => say('publication', channel, json(data)));
  subscription.subscribe();
}

const actions = {
  subscribe,
  again: (channel) => client.getSubscription(channel).subscribe(),
  unsubscribe: (channel) => client.getSubscription(channel).unsubscribe(),
  history: async (channel) => {
    const { publications } = await client.getSubscription(channel).history({ limit: 10 });
    say('history', channel, json(publications.map(({ data }) => data)));
  },
  presence: async (channel) => {
    const { numClients, numUsers } = await client.getSubscription(channel).presenceStats();
    say('presence', channel, numClients, numUsers);
  },
  users: async (channel) => {
    const { clients } = await client.getSubscription(channel).presence();
    say('users', channel, Object.keys(clients).sort());
  },
  token: (next) => {
    const first = !token;
    token = next;
    if (first) client.connect();
  },
  publish: (channel) => client.publish(channel, {}),
};

require('readline')
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [action, channel] = line.split(' ');
    Promise.resolve(actions[action](channel)).catch(({ code }) => say('refused', action, code));
  })
  .on('close', () => process.exit());
if (token) client.connect();
else say('ready');
