import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { addArrival, readDataset } from '../../stores/datasets.ts';
import { sha256Hex } from '../../stores/digest.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { codeOf } from '../contracts/object-store.ts';

let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-datasets-'));
  store = createMemoryObjectStore();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string, addedAt = '2001-02-01T00:00:00.000Z') {
  const path = join(folder, name);
  await writeFile(path, content);
  return { path, name, addedAt };
}

test('an arrival pins the bytes that were added', async () => {
  const arrival = await addArrival(store, 'flights', await file('january.csv', 'origin\nSEA\n'));
  expect(arrival).toMatchObject({
    key: 'data/flights/january.csv',
    sizeBytes: 11,
    sha256: sha256Hex('origin\nSEA\n'),
    addedAt: '2001-02-01T00:00:00.000Z',
  });
  expect((await store.head(arrival.key, arrival)).sizeBytes).toBe(11);
  expect(await readDataset(store, 'flights')).toEqual({ dataset: 'flights', arrivals: [arrival] });
});

test('20 files that are added at once all arrive', async () => {
  const files = await Promise.all(Array.from({ length: 20 }, (_, index) => file(`${index}.csv`, `a\n${index}\n`)));
  await Promise.all(files.map((one) => addArrival(store, 'flights', one)));
  expect((await readDataset(store, 'flights')).arrivals).toHaveLength(20);
});

test('adding the newest file again adds nothing', async () => {
  const first = await addArrival(store, 'flights', await file('a.csv', 'a\n1\n'));
  const again = await addArrival(store, 'flights', await file('a.csv', 'a\n1\n', '2001-03-01T00:00:00.000Z'));
  expect(again).toEqual(first);
  expect(await store.versions('data/flights/a.csv')).toHaveLength(1);
});

test('an older file that is added again becomes the newest arrival and pins the version that stands', async () => {
  const first = await addArrival(store, 'flights', await file('a.csv', 'a\n1\n'));
  await addArrival(store, 'flights', await file('b.csv', 'a\n2\n'));
  const again = await addArrival(store, 'flights', await file('a.csv', 'a\n1\n', '2001-03-01T00:00:00.000Z'));
  expect(again).toEqual({ ...first, addedAt: '2001-03-01T00:00:00.000Z' });
  const { arrivals } = await readDataset(store, 'flights');
  expect(arrivals.map(({ key }) => key)).toEqual(['data/flights/a.csv', 'data/flights/b.csv', 'data/flights/a.csv']);
});

test('other bytes under the same name are another arrival, and the first stays readable', async () => {
  const first = await addArrival(store, 'flights', await file('a.csv', 'a\n1\n'));
  const second = await addArrival(store, 'flights', await file('a.csv', 'a\n2\n'));
  expect(second.s3VersionId).not.toBe(first.s3VersionId);
  expect(new TextDecoder().decode((await store.read(first.key, first)).bytes)).toBe('a\n1\n');
});

test('a missing file, an empty one and a folder are told apart, and none arrives', async () => {
  const missing = { path: join(folder, 'none.csv'), name: 'none.csv', addedAt: '2001-02-01T00:00:00.000Z' };
  expect(await codeOf(addArrival(store, 'flights', missing))).toBe('NOT_FOUND');
  expect(await codeOf(addArrival(store, 'flights', await file('empty.csv', '')))).toBe('DATA_UNREADABLE');
  expect(await codeOf(addArrival(store, 'flights', { ...missing, path: folder }))).toBe('INPUT_INVALID');
  expect(await codeOf(readDataset(store, 'flights'))).toBe('NOT_FOUND');
});

test.each(['../../routes/flights.json', 'a//b', '', '.hidden', 'a\nb'])('a file cannot be named %j', async (name) => {
  const good = await file('a.csv', 'a\n1\n');
  expect(await codeOf(addArrival(store, 'flights', { ...good, name }))).toBe('INPUT_INVALID');
});

test('a dataset without arrivals says how to add one', async () => {
  await expect(readDataset(store, 'flights')).rejects.toThrow("'perdura data add flights <file>'");
});
