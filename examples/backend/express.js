// A backend with Express that issues tokens for Sluice and answers its webhooks: node express.js
//
// Sluice: -Dsluice.webhook.url=http://localhost:3001/may-listen?key=<key>
//         -Dsluice.webhook.connect.url=http://localhost:3001/may-connect?key=<key>

import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import express from 'express';
import { SignJWT } from 'jose';

const { PRIVATE_KEY = 'privatekey.pem', WEBHOOK_KEY = 'change-me', PORT = 3001 } = process.env;
const privateKey = createPrivateKey(readFileSync(PRIVATE_KEY));

// Yours come from a database.
const owners = new Map([['report:42', ['alice']]]);
const locked = new Set(['mallory']);

/** Your session knows the logged-in user; this example always returns alice. */
const userOf = (request) => 'alice';

const app = express();
app.use(express.json());

const mint = (user) => new SignJWT().setProtectedHeader({ alg: 'RS256' }).setSubject(user).setIssuedAt().setExpirationTime('15m').sign(privateKey);

app.post('/token', async (request, response) => {
  response.set('Cache-Control', 'no-store').type('text').send(await mint(userOf(request)));
});

/** Sets the cookie for EventSource. With HTTPS, add `secure: true`. */
app.post('/session', async (request, response) => {
  response.cookie('session', await mint(userOf(request)), { httpOnly: true, sameSite: 'strict' }).sendStatus(204);
});

// Sluice never logs the URL of a webhook, so the URL can contain a secret.
const onlySluice = ({ query }, response, next) => (query.key === WEBHOOK_KEY ? next() : response.sendStatus(403));

app.post('/may-listen', onlySluice, ({ body: { user, channel } }, response) => {
  response.sendStatus(owners.get(channel)?.includes(user) ? 204 : 403);
});

app.post('/may-connect', onlySluice, ({ body: { user } }, response) => {
  response.sendStatus(locked.has(user) ? 403 : 204);
});

const server = app.listen(PORT, '127.0.0.1', () => console.log(`http://localhost:${server.address().port}/token`));
