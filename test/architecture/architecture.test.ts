import { execFile } from 'node:child_process';
import { access, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { errorTable } from '../../domain/errors.ts';
import { crossing, fences, importsIn, importsOf } from './fences.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

test.each(Object.keys(fences))('%s imports only what its fence allows', async (folder) => {
  const imports = await importsOf(root, folder);
  expect(imports.map((one) => crossing(root, folder, one)).filter((found) => found !== null)).toEqual([]);
});

test.each([
  ['domain', "import { readFile } from 'node:fs/promises';"],
  ['workflows', "import { sealSnapshot } from '../stores/snapshots/manifest.ts';"],
  ['workflows', "import { currentBeat } from '../activities/heartbeat.ts';"],
  ['serving', "import { Client } from '@temporalio/client';"],
  ['stores', "export { runWorker } from '../workers/run-worker.ts';"],
  ['activities', "const { runWorker } = await import('../workers/run-worker.ts');"],
])('a fence around %s notices: %s', (folder, text) => {
  const found = importsIn(`${folder}/made-up.ts`, text).map((one) => crossing(root, folder, one));
  expect(found).toEqual([expect.stringContaining('made-up.ts')]);
});

test('every folder of the project has a row in the fences and a reference in tsconfig.json', async () => {
  const entries = await readdir(root, { withFileTypes: true });
  const folders: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory() || entry.name.startsWith('.') || ['node_modules', 'dist', 'test'].includes(entry.name))
      continue;
    const inside = await readdir(join(root, entry.name));
    if (inside.includes('tsconfig.json')) folders.push(entry.name);
  }
  const config = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8')) as {
    readonly references: readonly { readonly path: string }[];
  };
  expect(folders.toSorted()).toEqual(Object.keys(fences).toSorted());
  const referenced = new Set(config.references.map((reference) => reference.path.split('/')[0] ?? ''));
  expect([...referenced].toSorted()).toEqual(Object.keys(fences).toSorted());
});

test.each(['domain', 'workflows', 'pipelines'])(
  'no platform type reaches %s, not even through a type-only import',
  async (folder) => {
    const { stdout } = await run(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder, '--listFilesOnly'],
      { cwd: root },
    );
    expect(stdout.split('\n').filter((file) => file.includes('@types/node/'))).toEqual([]);
  },
);

test('docs/reference/errors.md lists the error table, both ways', async () => {
  const page = await readFile(join(root, 'docs/reference/errors.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([A-Z_0-9]+)` \| (yes|no) \| (.+?) \| (.+?) \|$/gm)].map(
    ([, code, retryable, meaning, remedy]) => ({ code, retryable, meaning, remedy }),
  );
  const table = Object.entries(errorTable).map(([code, entry]) => ({
    code,
    retryable: entry.retryable ? 'yes' : 'no',
    meaning: entry.meaning,
    remedy: entry.remedy,
  }));
  expect(rows).toEqual(table);
});

test('every source file that the pages on the framework itself name is there', async () => {
  const pages = ['guides/architecture.md', 'reference/bucket.md', 'glossary.md'];
  const named = new RegExp(`\\b(?:${Object.keys(fences).join('|')})/[\\w/-]+\\.(?:ts|proto)\\b`, 'g');
  const gone: string[] = [];
  for (const page of pages) {
    const text = await readFile(join(root, 'docs', page), 'utf8');
    for (const [file] of text.matchAll(named)) {
      await access(join(root, file)).catch(() => gone.push(`${page}: ${file}`));
    }
  }
  expect(gone).toEqual([]);
});

test('every public entry of package.json exists, with its types', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>;
    readonly exports: Readonly<Record<string, string | Readonly<Record<'source' | 'types' | 'default', string>>>>;
  };
  const targets = Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  );
  for (const target of [...targets, ...Object.values(manifest.bin)])
    await expect(access(join(root, target))).resolves.toBeUndefined();
});

test('there is one protobufjs 8 in the tree, at its root: two copies break the replay of JSON histories', async () => {
  const lockfile = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version?: string }>>;
  };
  const places = Object.entries(lockfile.packages).filter(
    ([path, entry]) => path.endsWith('node_modules/protobufjs') && entry.version?.startsWith('8.'),
  );
  expect(places.map(([path]) => path)).toEqual(['node_modules/protobufjs']);
});

test('no source file is longer than 300 lines', async () => {
  const long: string[] = [];
  for (const folder of [...Object.keys(fences), 'test']) {
    for (const name of await readdir(join(root, folder), { recursive: true })) {
      // What a generator wrote nobody reads or edits.
      if (!name.endsWith('.ts') || name.includes('/generated/')) continue;
      const lines = (await readFile(join(root, folder, name), 'utf8')).split('\n').length;
      if (lines > 301) long.push(`${folder}/${name}: ${lines}`);
    }
  }
  expect(long).toEqual([]);
});
