// The real servers, if ClientModuleIT started them: a pod, one with a short `sluice.connections.max-age`, Redis.

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const { SLUICE_PORT, SLUICE_SHORT_LIVED_PORT, REDIS_PORT, TOKEN_SECRET } = process.env;

export const absent = SLUICE_PORT ? false : 'no pod: ./mvnw verify starts one for them (ClientModuleIT)';
export const http = `http://localhost:${SLUICE_PORT}`;
export const shortLived = `ws://localhost:${SLUICE_SHORT_LIVED_PORT}/ws`;

/** Issues a token. */
export function token(user, claims = {}, secret = TOKEN_SECRET) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const all = { sub: user, type: 'access', exp: Math.floor(Date.now() / 1000) + 600, ...claims };
  const content = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(all)}`;
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
}

/** Sends a command to Redis and returns the first line of its answer. */
export async function redis(...command) {
  const socket = connect(Number(REDIS_PORT), '127.0.0.1');
  try {
    socket.write(`*${command.length}\r\n`);
    for (const part of command.map((part) => Buffer.from(part))) {
      socket.write(`$${part.length}\r\n`);
      socket.write(part);
      socket.write('\r\n');
    }
    const [answer] = await once(socket, 'data');
    return answer.toString().split('\r\n', 1)[0];
  } finally {
    socket.destroy();
  }
}

export const publish = (channel, payload) => redis('PUBLISH', channel, payload);

/** A TCP proxy between a client and the pod, which can be cut and held up. */
export async function network() {
  const links = new Set();
  let connections = 0;
  let held = false;
  const server = createServer((client) => {
    connections++;
    const pod = connect(Number(SLUICE_PORT), '127.0.0.1');
    const link = { client, pod };
    links.add(link);
    for (const [from, to] of [
      [client, pod],
      [pod, client],
    ]) {
      if (!held) from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        links.delete(link);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `ws://127.0.0.1:${server.address().port}/ws`,
    /** Number of connections so far. */
    get connections() {
      return connections;
    },
    cut() {
      for (const { client } of links) client.destroy();
    },
    /** Stops all traffic of the current connections; new ones work. */
    blackhole() {
      for (const { client, pod } of links) [client, pod].forEach((socket) => socket.unpipe().pause());
    },
    /** Stops all traffic without closing. */
    hold() {
      held = true;
      for (const { client, pod } of links) [client, pod].forEach((socket) => socket.unpipe().pause());
    },
    release() {
      held = false;
      for (const { client, pod } of links) {
        client.pipe(pod);
        pod.pipe(client);
      }
    },
    close() {
      server.close();
      this.cut();
    },
  };
}
