// Excerpts of a small app with Socket.IO and its Redis adapter, before the move. To be read, not run: ./yours.js is your code.

import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { isAdmin, mayWatch, verify } from './yours.js';

const http = createServer();
const redis = new Redis();
const io = new Server(http, { adapter: createAdapter(redis, redis.duplicate()) });

const authenticate = (socket, next) => {
  socket.data.user = verify(socket.handshake.auth.token);
  next();
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

io.to('upload:42').emit('progress', { percent: 50 }); // a room
io.to('user:alice').emit('note', 'ready'); // a user
io.emit('news', 'maintenance at 5'); // everybody
io.of('/admin').emit('audit', { user: 'alice' }); // a namespace
io.in('user:alice').socketsJoin('team:red'); // join
io.in('user:alice').socketsLeave('team:red'); // leave
io.to('upload:42').emit('preview', Buffer.from([0xff, 0xd8])); // binary
