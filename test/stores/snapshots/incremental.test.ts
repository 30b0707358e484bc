import fc from 'fast-check';

import type { SnapshotFile } from '../../../domain/snapshot.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { type FileChanges, sealChanges } from '../../../stores/snapshots/incremental.ts';
import { endsPart } from '../../../stores/snapshots/key-order.ts';
import { readManifest, readSnapshot, sealSnapshot } from '../../../stores/snapshots/manifest.ts';
import { codeOf } from '../../contracts/object-store.ts';
import { fileOf, manyFiles, snapshotOf } from './files.ts';

/** Keys that end a part, found by trying: among a handful of files there would hardly be one. */
const boundaries = manyFiles(60_000)
  .map(({ key }) => key)
  .filter(endsPart);
const plainKeys = manyFiles(60_000)
  .map(({ key }) => key)
  .filter((key, index) => index % 1_500 === 7 && !endsPart(key));
const universe = [...boundaries, ...plainKeys];

const facts = {
  dataset: 'flights',
  columns: [{ name: 'delay', type: 'integer' as const }],
  deviations: [],
  dialect: null,
};

test('sealing changes gives the digest of sealing all anew, wherever the boundaries of parts fall', async () => {
  expect(boundaries.length).toBeGreaterThan(20);
  const files = fc.uniqueArray(fc.constantFrom(...universe), { maxLength: 30 });
  const changes = fc.uniqueArray(fc.tuple(fc.constantFrom(...universe), fc.boolean()), {
    maxLength: 12,
    selector: ([key]) => key,
  });
  await fc.assert(
    fc.asyncProperty(files, changes, async (standing, changed) => {
      const before = standing.map((key) => fileOf(key));
      const put = changed.filter(([, stays]) => stays).map(([key]) => fileOf(key, `new ${key}`));
      const remove = changed.filter(([, stays]) => !stays).map(([key]) => key);
      const { incremental, scratch } = await both(before, { put, remove });
      expect(incremental).toEqual(scratch);
    }),
    { numRuns: 400 },
  );
});

test('of 20,000 files with one changed one part is read and one written', async () => {
  const store = createMemoryObjectStore();
  const parent = await readManifest(store, await sealSnapshot(store, snapshotOf(manyFiles(20_000))));
  const asked: string[] = [];
  const reference = await sealChanges(noting(store, asked), parent, facts, {
    put: [fileOf('data/flights/0012345.csv', 'corrected')],
    remove: [],
  });
  expect(asked).toEqual([
    expect.stringMatching(/^read snapshots\/flights\/parts\//),
    expect.stringMatching(/^write snapshots\/flights\/parts\//),
    `write snapshots/flights/${reference.digest}.json`,
  ]);
  const { files } = await readSnapshot(store, reference);
  expect(files.find(({ key }) => key.endsWith('12345.csv'))).toEqual(fileOf('data/flights/0012345.csv', 'corrected'));
});

test('a file that is put and removed at once is refused', async () => {
  const store = createMemoryObjectStore();
  const parent = await readManifest(store, await sealSnapshot(store, snapshotOf([fileOf('a')])));
  expect(await codeOf(sealChanges(store, parent, facts, { put: [fileOf('a', 'b')], remove: ['a'] }))).toBe(
    'INPUT_INVALID',
  );
});

async function both(before: readonly SnapshotFile[], changes: FileChanges) {
  const store = createMemoryObjectStore();
  const parent = await readManifest(store, await sealSnapshot(store, snapshotOf(before)));
  const touched = new Set([...changes.remove, ...changes.put.map(({ key }) => key)]);
  const after = [...before.filter(({ key }) => !touched.has(key)), ...changes.put];
  const incremental = await sealChanges(store, parent, facts, changes);
  const scratch = await sealSnapshot(createMemoryObjectStore(), snapshotOf(after));
  return {
    incremental: { ...incremental, ...(await readSnapshot(store, incremental)) },
    scratch: { ...scratch, ...snapshotOf(after) },
  };
}

function noting(store: ObjectStore, asked: string[]): ObjectStore {
  return {
    ...store,
    read: (key, options) => {
      asked.push(`read ${key}`);
      return store.read(key, options);
    },
    write: (key, body, options) => {
      asked.push(`write ${key}`);
      return store.write(key, body, options);
    },
  };
}
