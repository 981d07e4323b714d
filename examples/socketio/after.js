// The same app with Sluice: the backend issues tokens, decides who may watch an upload, and publishes. node after.js
// The variables that Sluice needs are in docs/migrating.md (say localhost for `backend`), and SLUICE_ORIGINS=http://localhost:3001.

import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { Redis } from 'ioredis';
import { SignJWT } from 'jose';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://localhost:6379');
const privateKey = createPrivateKey(readFileSync(process.env.PRIVATE_KEY ?? 'privatekey.pem'));

// In place of the authentication middleware, and of the check of the namespace /admin.
const admins = ['alice'];
const userOf = (request) => 'alice';
const mayWatch = (user, channel) => user === 'alice' && channel === 'upload:42';

const app = express();
app.use(express.json());
app.post('/token', async (request, response) => {
  const user = userOf(request);
  const claims = admins.includes(user) ? { channels: ['admin:*'] } : {};
  response.type('text').send(await new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).setSubject(user).setIssuedAt().setExpirationTime('15m').sign(privateKey));
});
app.post('/may-listen', ({ body: { user, channel } }, response) => response.sendStatus(mayWatch(user, channel) ? 204 : 403));

const emit = (channel, event, data) => redis.publish(channel, JSON.stringify({ event, data }));

/** Publishes one of each, when the page asks for it. */
app.post('/emit', async (request, response) => {
  await emit('upload:42', 'progress', { percent: 50 }); // a room
  await emit('user:alice', 'note', 'ready'); // a user
  await emit('all:news', 'news', 'maintenance at 5'); // everybody
  await emit('admin:audit', 'audit', { user: 'alice' }); // a namespace
  await redis.sadd('sluice:owner:team:red', 'alice'); // join
  await emit('user:alice', 'join', 'team:red');
  await redis.publish('upload:42', Buffer.from([0xff, 0xd8])); // binary: not valid UTF-8
  response.sendStatus(204);
});

/** Publishes to the team, and makes alice leave it. */
app.post('/leave', async (request, response) => {
  await emit('team:red', 'team', 'hello');
  await redis.srem('sluice:owner:team:red', 'alice'); // leave
  await emit('user:alice', 'leave', 'team:red');
  response.sendStatus(204);
});

const file = (path) => (request, response) => response.sendFile(fileURLToPath(new URL(path, import.meta.url)));
app.get('/', file('after.html'));
app.get('/dispatch.js', file('dispatch.js'));
app.get('/sluice.js', file('../../client/sluice.js'));
const server = app.listen(process.env.PORT ?? 3001, '127.0.0.1', () => console.log(`http://localhost:${server.address().port}/`));
