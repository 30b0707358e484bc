import type { Snapshot } from '../../../domain/snapshot.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import { readSnapshot, sealSnapshot } from '../../../stores/snapshots/manifest.ts';
import { codeOf } from '../../contracts/object-store.ts';

const snapshot: Snapshot = {
  dataset: 'flights',
  files: [{ key: 'data/flights/a.csv', s3VersionId: 'v', sizeBytes: 4, sha256: 'd', rows: 1, format: 'csv' }],
  rows: 1,
  columns: [{ name: 'a', type: 'integer' }],
  deviations: [],
  parent: null,
};

test('a sealed snapshot is read by its digest', async () => {
  const store = createMemoryObjectStore();
  const reference = await sealSnapshot(store, snapshot);
  // SHA-256 of the canonical JSON (RFC 8785), from Python 3: json.dumps(s, sort_keys=True, separators=(',', ':')).
  expect(reference).toEqual({
    dataset: 'flights',
    digest: '129f4f83bbbb8effa2d5ecc85139eba5295d18329c5ccfd97d4eae19ca408053',
    rows: 1,
  });
  expect(await readSnapshot(store, reference)).toEqual(snapshot);
});

test('sealing the same snapshot twice seals one', async () => {
  const store = createMemoryObjectStore();
  const first = await sealSnapshot(store, snapshot);
  expect(await sealSnapshot(store, { ...snapshot })).toEqual(first);
  expect(await store.versions(`snapshots/flights/${first.digest}.json`)).toHaveLength(1);
});

test('an altered manifest is EVIDENCE_ALTERED', async () => {
  const store = createMemoryObjectStore();
  const reference = await sealSnapshot(store, snapshot);
  const key = `snapshots/flights/${reference.digest}.json`;
  await store.write(key, new TextEncoder().encode(JSON.stringify({ ...snapshot, rows: 2 })));
  expect(await codeOf(readSnapshot(store, reference))).toBe('EVIDENCE_ALTERED');
});

test('a snapshot that was never sealed is NOT_FOUND', async () => {
  expect(await codeOf(readSnapshot(createMemoryObjectStore(), { dataset: 'flights', digest: '3f2' }))).toBe(
    'NOT_FOUND',
  );
});
