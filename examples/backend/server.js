// A backend that issues tokens for Sluice to its pages and serves them: node server.js

import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { SignJWT } from 'jose';

const privateKey = createPrivateKey(await readFile(process.env.PRIVATE_KEY ?? 'privatekey.pem'));

const files = {
  '/module.html': ['../browser/module.html', 'text/html'],
  '/bare.html': ['../browser/bare.html', 'text/html'],
  '/events.html': ['../browser/events.html', 'text/html'],
  '/fetch.html': ['../browser/fetch.html', 'text/html'],
  '/sluice.js': ['../../client/sluice.js', 'text/javascript'],
};

/** Your session knows the logged-in user; this example always returns alice. */
const userOf = () => 'alice';

const mint = (user) => new SignJWT().setProtectedHeader({ alg: 'RS256' }).setSubject(user).setIssuedAt().setExpirationTime('15m').sign(privateKey);

async function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (request.method === 'POST' && pathname === '/token') {
    response.setHeader('Cache-Control', 'no-store').end(await mint(userOf(request)));
  } else if (request.method === 'POST' && pathname === '/session') {
    response.setHeader('Set-Cookie', `session=${await mint(userOf(request))}; HttpOnly; SameSite=Strict; Path=/`).end();
  } else if (request.method === 'GET' && Object.hasOwn(files, pathname)) {
    const [file, type] = files[pathname];
    response.setHeader('Content-Type', `${type}; charset=utf-8`).end(await readFile(new URL(file, import.meta.url)));
  } else {
    response.writeHead(404).end();
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});

server.listen(process.env.PORT ?? 3001, process.env.HOST ?? '127.0.0.1', () => console.log(`http://localhost:${server.address().port}/module.html`));
