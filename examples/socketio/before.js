// A small app with Socket.IO and its Redis adapter, before its move to Sluice. node before.js

import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createAdapter } from '@socket.io/redis-adapter';
import express from 'express';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://localhost:6379');

// In place of sessions, and of questions to a database.
const admins = ['alice'];
const verify = (token) => (token === 'token of alice' ? 'alice' : undefined);
const isAdmin = (user) => admins.includes(user);
const mayWatch = async (user, upload) => user === 'alice' && upload === '42';

const app = express();
const http = createServer(app);
const io = new Server(http, { adapter: createAdapter(redis, redis.duplicate()) });

const authenticate = (socket, next) => {
  socket.data.user = verify(socket.handshake.auth.token);
  next(socket.data.user ? undefined : new Error('unauthenticated'));
};
io.use(authenticate);
io.on('connection', (socket) => {
  socket.join(`user:${socket.data.user}`);
  socket.on('watch', async (upload, done) => {
    const allowed = await mayWatch(socket.data.user, upload);
    if (allowed) socket.join(`upload:${upload}`);
    done(allowed);
  });
});
io.of('/admin').use(authenticate);
io.of('/admin').use((socket, next) => next(isAdmin(socket.data.user) ? undefined : new Error('forbidden')));

/** Emits one of each, when the page asks for it. */
app.post('/emit', (request, response) => {
  io.to('upload:42').emit('progress', { percent: 50 }); // a room
  io.to('user:alice').emit('note', 'ready'); // a user
  io.emit('news', 'maintenance at 5'); // everybody
  io.of('/admin').emit('audit', { user: 'alice' }); // a namespace
  io.in('user:alice').socketsJoin('team:red'); // join
  io.to('upload:42').emit('preview', Buffer.from([0xff, 0xd8])); // binary
  response.sendStatus(204);
});

/** Emits to the team, and makes alice leave it. */
app.post('/leave', (request, response) => {
  io.to('team:red').emit('team', 'hello');
  io.in('user:alice').socketsLeave('team:red'); // leave
  response.sendStatus(204);
});

app.get('/', (request, response) => response.sendFile(fileURLToPath(new URL('before.html', import.meta.url))));
http.listen(process.env.PORT ?? 3001, '127.0.0.1', () => console.log(`http://localhost:${http.address().port}/`));
