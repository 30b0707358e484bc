import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { literal, openTables, type Tables } from '../../stores/tables.ts';
import { inferencePrefix, labelPrefix, trafficFiles } from '../../stores/traffic.ts';
import { codeOf } from '../contracts/object-store.ts';

let folder: string;
let tables: Tables;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-traffic-'));
  tables = await openTables();
});
afterAll(async () => {
  tables.close();
  await rm(folder, { recursive: true, force: true });
});

let number = 0;
/** Writes a Parquet file of one row under a prefix. */
async function put(store: ObjectStore, key: string, requestId = key): Promise<void> {
  const file = join(folder, `${++number}.parquet`);
  await tables.all(`COPY (SELECT ${literal(requestId)} AS requestId) TO ${literal(file)} (FORMAT parquet)`);
  await store.write(key, { file });
}

async function rowsOf(files: readonly string[]): Promise<readonly unknown[]> {
  if (files.length === 0) return [];
  return tables.all(`SELECT * FROM read_parquet([${files.map(literal).join(', ')}]) ORDER BY requestId`);
}

const newCache = () => mkdtemp(join(folder, 'cache-'));

test('files of the hour of `since` and of later hours are brought, earlier ones are not', async () => {
  const store = createMemoryObjectStore();
  const prefix = inferencePrefix('flights');
  for (const hour of ['dt=2001-03-30/hr=23', 'dt=2001-03-31/hr=16', 'dt=2001-03-31/hr=17', 'dt=2001-04-01/hr=00'])
    await put(store, `${prefix}${hour}/a-1.parquet`, hour);
  await put(store, `${inferencePrefix('flights-2')}dt=2001-03-31/hr=17/a-1.parquet`, 'of another endpoint');
  await put(store, `${labelPrefix('flights')}dt=2001-04-01/hr=05/a-1.parquet`, 'label');
  for (const until of ['2001-04-01T05:00:00Z', '2026-01-01T00:00:00Z', undefined]) {
    const window = { since: '2001-03-31T17:45:00Z', ...(until === undefined ? {} : { until }) };
    const { inference, labels } = await trafficFiles(store, await newCache(), 'flights', window);
    // No columns `dt` and `hr` come from the path.
    expect(await rowsOf(inference)).toEqual([
      { requestId: 'dt=2001-03-31/hr=17' },
      { requestId: 'dt=2001-04-01/hr=00' },
    ]);
    expect(await rowsOf(labels)).toEqual([{ requestId: 'label' }]);
  }
});

test('a file is downloaded once, and only new ones later', async () => {
  const store = createMemoryObjectStore();
  const read: string[] = [];
  const counting: ObjectStore = { ...store, read: (key, options) => (read.push(key), store.read(key, options)) };
  const [cache, window] = [await newCache(), { since: '2001-03-31T00:00:00Z', until: '2001-03-31T23:00:00Z' }];
  const first = `${inferencePrefix('flights')}dt=2001-03-31/hr=17/a-1.parquet`;
  const second = `${inferencePrefix('flights')}dt=2001-03-31/hr=17/a-2.parquet`;
  await put(store, first);
  await trafficFiles(counting, cache, 'flights', window);
  await put(store, second);
  const { inference } = await trafficFiles(counting, cache, 'flights', window);
  expect(await rowsOf(inference)).toEqual([{ requestId: first }, { requestId: second }]);
  expect(read).toEqual([first, second]);
});

test('a file that was written anew is brought anew', async () => {
  const store = createMemoryObjectStore();
  const [cache, window] = [await newCache(), { since: '2001-03-31T00:00:00Z', until: '2001-03-31T23:00:00Z' }];
  const key = `${labelPrefix('flights')}dt=2001-03-31/hr=17/a-1.parquet`;
  await put(store, key, 'old');
  await trafficFiles(store, cache, 'flights', window);
  await put(store, key, 'new');
  const { labels } = await trafficFiles(store, cache, 'flights', window);
  expect(await rowsOf(labels)).toEqual([{ requestId: 'new' }]);
});

test('an endpoint without traffic has no files', async () => {
  const cache = await newCache();
  const found = await trafficFiles(createMemoryObjectStore(), cache, 'flights', { since: '2001-03-31T00:00:00Z' });
  expect(found).toEqual({ inference: [], labels: [] });
  expect(await readdir(cache)).toEqual([]);
});

test('a bound that is no time is INPUT_INVALID', async () => {
  expect(await codeOf(trafficFiles(createMemoryObjectStore(), folder, 'flights', { since: 'yesterday' }))).toBe(
    'INPUT_INVALID',
  );
});
