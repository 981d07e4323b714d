// The modules' types, their declaration files, and a page in TypeScript.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
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

it('types/ is what `npm run types` generates', () => {
  const out = mkdtempSync(join(tmpdir(), 'sluice-types-'));
  try {
    tsc('--declarationDir', out);
    const names = readdirSync(out);
    assert.ok(names.length > 1);
    assert.deepEqual(readdirSync(join(client, 'types')), names);
    for (const name of names) {
      assert.equal(readFileSync(join(client, 'types', name), 'utf8'), readFileSync(join(out, name), 'utf8'));
    }
  } finally {
    rmSync(out, { recursive: true });
  }
});

it('a page in TypeScript compiles, and its mistakes do not', () => tsc('-p', 'test'));
