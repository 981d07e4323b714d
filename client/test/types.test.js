// The types: those of the module itself, those it declares to others, and what a page makes of them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const client = fileURLToPath(new URL('..', import.meta.url));

function tsc(...args) {
  const { status, stdout, error } = spawnSync(join(client, 'node_modules', '.bin', 'tsc'), args, {
    cwd: client,
    encoding: 'utf8',
  });
  assert.equal(status, 0, error?.message ?? stdout);
}

it('the module declares what it is; `npm run types` writes it down', () => {
  const out = mkdtempSync(join(tmpdir(), 'sluice-types-'));
  try {
    tsc('--outDir', out);
    assert.equal(readFileSync(join(client, 'sluice.d.ts'), 'utf8'), readFileSync(join(out, 'sluice.d.ts'), 'utf8'));
  } finally {
    rmSync(out, { recursive: true });
  }
});

it('a page in TypeScript is checked by it', () => tsc('-p', 'test'));
