// Socket.IO with its Redis streams adapter and connection state recovery, or, with the argument `pubsub`, with its Redis
// adapter; as its documentation sets them up. A channel is a room; a publication is an event `message` in it, which the
// publisher itself hands to the adapter.
//
// Environment: PORT, REDIS_URL, JWT_SECRET.

import { createServer } from 'node:http';
import { createAdapter as createPubSubAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

const { PORT, REDIS_URL, JWT_SECRET } = process.env;

const http = createServer((request, response) => response.writeHead(request.url === '/health' ? 200 : 404).end());
const redis = new Redis(REDIS_URL);
const adapter =
  process.argv[2] === 'pubsub'
    ? { adapter: createPubSubAdapter(redis, redis.duplicate()) }
    : {
        adapter: createStreamsAdapter(redis),
        connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true },
      };
const server = new Server(http, {
  ...adapter,
  transports: ['websocket'],
  perMessageDeflate: false,
});

server.use((socket, next) => {
  try {
    socket.data.user = jwt.verify(socket.handshake.auth.token, JWT_SECRET, { algorithms: ['HS256'] }).sub;
    next();
  } catch (error) {
    next(error);
  }
});

server.on('connection', (socket) => {
  if (!socket.recovered) {
    socket.join(`user:${socket.data.user}`);
  }
  socket.on('subscribe', (channels, answer) => {
    socket.join(channels);
    answer();
  });
});

// The idle measurement asks for a collection before it looks at the memory; there is one where --expose-gc is given.
process.on('SIGUSR2', () => globalThis.gc?.());

http.listen(PORT, '127.0.0.1');
