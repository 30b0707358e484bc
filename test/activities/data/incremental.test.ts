import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { createSnapshot } from '../../../activities/data/create-snapshot.ts';
import type { SnapshotSource } from '../../../domain/snapshot.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { readHistory } from '../../../stores/snapshots/history.ts';
import { readSnapshot } from '../../../stores/snapshots/manifest.ts';
import { readStatistics } from '../../../stores/snapshots/statistics.ts';
import { type DataBench, openDataBench } from './data-bench.ts';

let bench: DataBench;
beforeEach(async () => {
  bench = await openDataBench();
});
afterEach(() => bench.close());

const bytes = (text: string) => new TextEncoder().encode(text);

/** A store that says which data objects were read, and how often it was listed. */
function watched(store: ObjectStore) {
  const read: string[] = [];
  const listed: string[] = [];
  const seen: ObjectStore = {
    ...store,
    stream: (key, options) => {
      read.push(key);
      return store.stream(key, options);
    },
    list: (prefix, options) => {
      listed.push(prefix);
      return store.list(prefix, options);
    },
  };
  return { store: seen, read, listed };
}

const make = (
  store: ObjectStore,
  from: SnapshotSource,
  more: { readonly branch?: string; readonly callId?: string } = {},
) =>
  createSnapshot(
    {
      store,
      cacheFolder: bench.cacheFolder,
      heartbeat: () => undefined,
      who: () => 'a test',
      now: () => '2001-07-02T00:00:00.000Z',
      ...(more.callId === undefined ? {} : { callId: () => more.callId ?? '' }),
    },
    { dataset: 'sales', from, ...(more.branch === undefined ? {} : { branch: more.branch }) },
  );

const emptyCache = () => rm(bench.cacheFolder, { recursive: true, force: true });

test('a prefix is listed once, and of a snapshot with one new and one changed file only those are read', async () => {
  for (const name of ['a', 'b', 'c']) await bench.store.write(`lake/${name}.csv`, bytes(`n\n${name.charCodeAt(0)}\n`));
  const first = watched(bench.store);
  const before = await make(first.store, { prefix: 'lake/' });
  expect(first.listed).toEqual(['lake/']);
  expect(first.read.toSorted()).toEqual(['lake/a.csv', 'lake/b.csv', 'lake/c.csv']);
  await bench.store.write('lake/b.csv', bytes('n\n1\n2\n'));
  await bench.store.write('lake/d.csv', bytes('n\n3\n'));
  await emptyCache();
  const second = watched(bench.store);
  const after = await make(second.store, { prefix: 'lake/' });
  expect(after.rows).toBe(5);
  // The replaced version of b.csv is read once more, to take its counts away.
  expect([...new Set(second.read)].toSorted()).toEqual(['lake/b.csv', 'lake/d.csv']);
  const history = await readHistory(bench.store, 'sales');
  expect(history?.entries.map(({ to, dataVersion, event, who }) => ({ to, dataVersion, event, who }))).toEqual([
    { to: before.digest, dataVersion: '1.0.0', event: 'created', who: 'a test' },
    { to: after.digest, dataVersion: '1.1.0', event: 'created', who: 'a test' },
  ]);
  const reading = watched(bench.store);
  await readSnapshot(reading.store, after);
  expect(reading.listed).toEqual([]);
});

test('marks that other tools leave under a prefix are no data, and an empty prefix is not found', async () => {
  for (const name of ['_SUCCESS', '.part.crc', 'folder/']) await bench.store.write(`lake/${name}`, bytes(''));
  await expect(make(bench.store, { prefix: 'lake/' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await bench.store.write('lake/a.csv', bytes('n\n1\n'));
  expect((await make(bench.store, { prefix: 'lake/' })).rows).toBe(1);
});

test('the same objects again move nothing, and a repeated call is one entry', async () => {
  await bench.store.write('lake/a.csv', bytes('n\n1\n'));
  const first = await make(bench.store, { prefix: 'lake/' }, { callId: 'one' });
  expect(await make(bench.store, { prefix: 'lake/' }, { callId: 'one' })).toEqual(first);
  expect(await make(bench.store, { prefix: 'lake/' }, { callId: 'two' })).toEqual(first);
  expect((await readHistory(bench.store, 'sales'))?.entries).toHaveLength(1);
});

test("'@latest' names the snapshot that stands and makes none; another branch goes its own way", async () => {
  await bench.store.write('lake/a.csv', bytes('n\n1\n'));
  const first = await make(bench.store, { prefix: 'lake/' });
  await bench.store.write('lake/b.csv', bytes('n\n2\n'));
  const tried = await make(bench.store, { prefix: 'lake/' }, { branch: 'trial' });
  expect(tried.rows).toBe(2);
  expect(await make(bench.store, '@latest')).toEqual(first);
  expect(await make(bench.store, '@trial')).toEqual(tried);
});

test('two that are made at once both stand in the history', async () => {
  for (const name of ['a', 'b', 'c']) await bench.add('sales', `${name}.csv`, { text: `n\n${name.charCodeAt(0)}\n` });
  const made = await Promise.all(['a.csv', 'b.csv', 'c.csv'].map((name) => make(bench.store, name)));
  const entries = (await readHistory(bench.store, 'sales'))?.entries ?? [];
  expect(entries.map(({ to }) => to).toSorted()).toEqual(made.map(({ digest }) => digest).toSorted());
});

/** The same objects at the same versions in a bucket where no snapshot was ever made. */
function withoutHistory(lake: ObjectStore): ObjectStore {
  const fresh = createMemoryObjectStore();
  const of = (key: string) => (key.startsWith('snapshots/') ? fresh : lake);
  return {
    head: (key, options) => of(key).head(key, options),
    read: (key, options) => of(key).read(key, options),
    stream: (key, options) => of(key).stream(key, options),
    write: (key, body, options) => of(key).write(key, body, options),
    list: (prefix, options) => lake.list(prefix, options),
    versions: (key) => of(key).versions(key),
  };
}

const headers = ['n', 'n,m', 'm,n', 'n,k', 'n,m,k'] as const;
const kinds = [(x: number) => `${x}`, (x: number) => `${x}.5`, (x: number) => `t${x}`] as const;
const fileText = (header: string, kind: number, rows: number) =>
  `${header}\n${Array.from({ length: rows }, (_, row) =>
    header
      .split(',')
      .map((name) => (name === 'n' ? kinds[kind % kinds.length]?.(row * 7) : `${row % 5}`))
      .join(','),
  ).join('\n')}\n`;
const anyFile = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  header: fc.constantFrom(...headers),
  kind: fc.integer({ min: 0, max: 11 }).map((n) => (n < 9 ? 0 : n - 9)),
  rows: fc.integer({ min: 1, max: 9 }),
});

test('step by step gives the digest, and the counts, of one from scratch (property)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyFile, { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 3 }),
      async (steps) => {
        const lake = createMemoryObjectStore();
        let reference = null;
        for (const step of steps) {
          for (const { name, header, kind, rows } of step)
            await lake.write(`lake/${name}.csv`, bytes(fileText(header, kind, rows)));
          reference = await make(lake, { prefix: 'lake/' });
        }
        if (reference === null) return;
        const grown = await readSnapshot(lake, reference);
        const grownStatistics = await readStatistics(lake, reference);
        const bare = withoutHistory(lake);
        expect(reference.digest).toBe((await make(bare, { prefix: 'lake/' })).digest);
        expect(grownStatistics?.rows).toBe(grown.rows);
        for (const { name } of grown.columns) {
          const { profile, missing } = grownStatistics?.columns[name] ?? {};
          const unseen = profile?.kind === 'category' ? profile.unseen : 0;
          const counted = (profile?.counts ?? []).reduce((sum, count) => sum + count, 0);
          expect(counted + unseen + (missing ?? 0)).toBe(grown.rows);
        }
      },
    ),
    { numRuns: 12, seed: 4 },
  );
}, 60_000);

test('a column that loses its only file, a wider type that goes, and an earlier file with other columns are seen', async () => {
  const texts: Readonly<Record<string, string>> = {
    'a.csv': 'x,n\n1,2\n',
    'b.csv': 'n,x\n1.5,2\n',
    'c.csv': 'n,x,only\n3,4,5\n',
    'd.csv': 'n,x\n3,4\n',
  };
  for (const name of ['b.csv', 'c.csv', 'd.csv', 'a.csv']) await bench.add('sales', name, { text: texts[name] ?? '' });
  for (const names of [
    ['b.csv', 'c.csv'],
    ['b.csv', 'd.csv'],
    ['d.csv'],
    ['c.csv', 'd.csv'],
    ['a.csv', 'c.csv', 'd.csv'],
    ['a.csv', 'd.csv'],
  ]) {
    const { columns, deviations } = await readSnapshot(bench.store, await make(bench.store, names));
    const lone = await openDataBench();
    for (const name of names) await lone.add('sales', name, { text: texts[name] ?? '' });
    const scratch = await readSnapshot(
      lone.store,
      await lone.activities.createSnapshot({ dataset: 'sales', from: 'all' }),
    );
    await lone.close();
    expect({ names, columns, deviations }).toEqual({ names, columns: scratch.columns, deviations: scratch.deviations });
  }
});
