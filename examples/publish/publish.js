// Publishes an upload's progress, then notifies its user: node publish.js <upload> <user>

import { Redis } from 'ioredis';

const [upload, user] = process.argv.slice(2);
if (process.argv.length !== 4) {
  console.error('Usage: node publish.js <upload> <user>');
  process.exit(2);
}
const redis = new Redis(process.env.REDIS_URL ?? 'redis://localhost:6379');

for (const percent of [0, 50, 100]) {
  await redis.publish(`upload:${upload}`, JSON.stringify({ progress_percent: percent }));
}
await redis.publish(`user:${user}`, JSON.stringify({ text: `Upload ${upload} is ready` }));
redis.disconnect();
