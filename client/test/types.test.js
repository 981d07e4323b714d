// The module's types, its declaration file, and a page in TypeScript.

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

it('sluice.d.ts is what `npm run types` generates', () => {
  const out = mkdtempSync(join(tmpdir(), 'sluice-types-'));
  try {
    tsc('--outDir', out);
    assert.equal(readFileSync(join(client, 'sluice.d.ts'), 'utf8'), readFileSync(join(out, 'sluice.d.ts'), 'utf8'));
  } finally {
    rmSync(out, { recursive: true });
  }
});

it('a page in TypeScript compiles, and its mistakes do not', () => tsc('-p', 'test'));
