// The relay most teams would write in Node: `ws` for the browsers, `ioredis` for the subscription, a Map from channel to
// sockets in between. It speaks the part of Sluice's protocol that the benchmarks use.
//
// Environment: PORT, REDIS_URL, JWT_SECRET.

import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import jwt from 'jsonwebtoken';
import { WebSocketServer } from 'ws';

const { PORT, REDIS_URL, JWT_SECRET } = process.env;
const AUTH_TIMEOUT = 5_000;
const HEARTBEAT = 30_000;

/** channel -> the sockets that hear it */
const listeners = new Map();

function listen(socket, channel) {
  let sockets = listeners.get(channel);
  if (!sockets) {
    listeners.set(channel, (sockets = new Set()));
  }
  sockets.add(socket);
  socket.channels.add(channel);
}

function forget(socket) {
  for (const channel of socket.channels) {
    const sockets = listeners.get(channel);
    sockets.delete(socket);
    if (sockets.size === 0) {
      listeners.delete(channel);
    }
  }
}

function say(socket, message) {
  socket.send(JSON.stringify(message));
}

function authenticate(socket, message) {
  try {
    socket.user = jwt.verify(message.token, JWT_SECRET, { algorithms: ['HS256'] }).sub;
  } catch {
    socket.close(4003);
    return;
  }
  clearTimeout(socket.authTimer);
  listen(socket, `user:${socket.user}`);
  say(socket, { action: 'auth_success', user_id: socket.user });
}

function subscribe(socket, channel) {
  listen(socket, channel);
  say(socket, { action: 'subscribed', channel });
}

function receive(socket, data) {
  let message;
  try {
    message = JSON.parse(data);
  } catch {
    socket.close(4004);
    return;
  }
  if (!socket.user) {
    authenticate(socket, message);
  } else if (message.action === 'subscribe_upload') {
    subscribe(socket, `upload:${message.upload_id}`);
  } else if (message.action === 'subscribe') {
    subscribe(socket, message.channel);
  }
}

const http = createServer((request, response) => response.writeHead(request.url === '/health' ? 200 : 404).end());
const server = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 32 * 1024 });

server.on('connection', (socket) => {
  socket.channels = new Set();
  socket.alive = true;
  socket.authTimer = setTimeout(() => socket.close(4001), AUTH_TIMEOUT);
  socket.on('message', (data) => receive(socket, data));
  socket.on('pong', () => (socket.alive = true));
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    clearTimeout(socket.authTimer);
    forget(socket);
  });
});

setInterval(() => {
  for (const socket of server.clients) {
    if (!socket.alive) {
      socket.terminate();
      continue;
    }
    socket.alive = false;
    socket.ping();
  }
}, HEARTBEAT);

const redis = new Redis(REDIS_URL);
// Bytes stay bytes: a string would be encoded anew for each socket.
redis.on('pmessageBuffer', (pattern, channel, payload) => {
  const sockets = listeners.get(channel.toString());
  if (sockets) {
    for (const socket of sockets) {
      socket.send(payload, { binary: false });
    }
  }
});

// The idle measurement asks for a collection before it looks at the memory; there is one where --expose-gc is given.
process.on('SIGUSR2', () => globalThis.gc?.());

await redis.psubscribe('upload:*', 'user:*');
http.listen(PORT, '127.0.0.1');
