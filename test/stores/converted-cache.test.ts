import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '../../stores/digest.ts';
import { localParquet } from '../../stores/data-files.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import { literal, openTables } from '../../stores/tables.ts';

let cacheFolder: string;
beforeEach(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'perdura-cache-'));
});
afterEach(() => rm(cacheFolder, { recursive: true, force: true }));

const bytes = new TextEncoder().encode(`v\n${Array.from({ length: 1000 }, (_, row) => row).join('\n')}\n`);

/** Puts the text into a bucket; gives what reads it as Parquet. */
async function storedText(): Promise<() => Promise<string>> {
  const store = createMemoryObjectStore();
  const { s3VersionId } = await store.write('data/v.csv', bytes);
  const file = {
    key: 'data/v.csv',
    s3VersionId,
    sizeBytes: bytes.length,
    sha256: sha256Hex(bytes),
    format: 'csv',
  } as const;
  return () => localParquet({ store, cacheFolder }, file, { dialect: null, columns: [] });
}

async function summed(path: string): Promise<unknown> {
  const tables = await openTables();
  try {
    const [row] = await tables.all(
      `SELECT count(*) AS n, CAST(sum(v) AS BIGINT) AS s FROM read_parquet(${literal(path)})`,
    );
    return row;
  } finally {
    tables.close();
  }
}

test.each([
  ['is cut short', (path: string) => truncate(path, 100)],
  ['is gone', (path: string) => rm(path)],
  [
    'holds other rows',
    async (path: string) => {
      const tables = await openTables();
      await tables.all(`COPY (SELECT 7 AS v) TO ${literal(path)} (FORMAT parquet)`);
      tables.close();
    },
  ],
])('text that was turned into Parquet is turned again where the copy %s', async (_, harm) => {
  const read = await storedText();
  const path = await read();
  await harm(path);
  expect(await summed(await read())).toEqual({ n: 1000, s: 499_500 });
});

test('a whole copy is not turned again', async () => {
  const read = await storedText();
  const path = await read();
  const before = await stat(path);
  expect(await read()).toBe(path);
  expect((await stat(path)).ino).toBe(before.ino);
  expect(await readdir(join(cacheFolder, 'parquet'))).toHaveLength(2);
});
