// The modules' types, their declaration files, a page in TypeScript, and the code in the pages of documentation.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

const PAGES = ['../README.md', 'README.md', '../examples/README.md'];
const TOLD = `
declare const Sluice: typeof import('sluice-client').Sluice;
declare function show(...said: unknown[]): void;
declare function banner(name: string): void;
declare function fetchToken(): Promise<string>;
declare function fetchState(): void;
declare function fetchEverythingAnew(): void;
`;

/** Returns the code of a page that uses the module's types, with the extension of its language in TypeScript. */
function snippets(page) {
  return [...readFileSync(join(client, page), 'utf8').matchAll(/^```(jsx?|ts|vue)\n(.*?)^```$/gms)]
    .map(([, language, code]) => (language === 'vue' ? ['ts', /<script setup>(.*?)<\/script>/s.exec(code)[1]] : [language.replace('js', 'ts'), code]))
    .filter(([, code]) => /new Sluice\(|useSluice|usePresence|ArrayBuffer/.test(code));
}

it('the documented code compiles with the types', () => {
  const out = mkdtempSync(join(tmpdir(), 'sluice-snippets-'));
  try {
    const write = (name, text) => writeFileSync(join(out, name), text);
    mkdirSync(join(out, 'node_modules'));
    for (const name of ['vue', '@types']) symlinkSync(join(client, 'node_modules', name), join(out, 'node_modules', name));
    symlinkSync(client, join(out, 'node_modules', 'sluice-client'));
    write('package.json', JSON.stringify({ type: 'module' }));
    const files = PAGES.flatMap((page, i) =>
      snippets(page).map(([extension, code], j) => {
        write(`page${i}-${j}.${extension}`, `${code.replace("'./sluice.js'", "'sluice-client'")}\nexport {};\n`);
        return `page${i}-${j}.${extension}`;
      }),
    );
    assert.ok(files.length >= 7, files.join());
    write('told.d.ts', TOLD);
    write('connection.ts', "import { Sluice } from 'sluice-client';\nexport const sluice = new Sluice('/ws', { token: fetchToken });\n");
    // The code is JavaScript: its parameters have no types.
    const compilerOptions = { rootDir: '/', jsx: 'react-jsx', noImplicitAny: false, noUnusedLocals: false };
    write('tsconfig.json', JSON.stringify({ extends: join(client, 'test', 'tsconfig.json'), compilerOptions, files: ['told.d.ts', ...files] }));
    tsc('-p', out);
  } finally {
    rmSync(out, { recursive: true });
  }
});
