// Socket.IO with its Redis streams adapter and connection state recovery, as its documentation sets them up. A channel is a
// room; a publication is an event `message` in it, written to the adapter's stream by the publisher itself.
//
// Environment: PORT, REDIS_URL, JWT_SECRET.

import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

const { PORT, REDIS_URL, JWT_SECRET } = process.env;

const http = createServer((request, response) => response.writeHead(request.url === '/health' ? 200 : 404).end());
const server = new Server(http, {
  adapter: createAdapter(new Redis(REDIS_URL)),
  connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true },
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

http.listen(PORT, '127.0.0.1');
