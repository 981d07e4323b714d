// Creates the key pair with which the backend signs tokens, unless there is one: node keys.js <folder>

import { generateKeyPairSync } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

if (process.argv.length !== 3) {
  console.error('Usage: node keys.js <folder>');
  process.exit(2);
}
const [privateFile, publicFile] = ['privatekey.pem', 'publickey.pem'].map((name) => join(process.argv[2], name));

if (!existsSync(publicFile)) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  writeFileSync(privateFile, privateKey, { mode: 0o600 });
  writeFileSync(publicFile, publicKey);
}
