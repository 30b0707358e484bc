import type { Snapshot } from '../../../domain/snapshot.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { moveBranch, resolveSnapshot, tagSnapshot } from '../../../stores/snapshots/history.ts';
import { readManifest, readSnapshot, sealSnapshot, snapshotFiles } from '../../../stores/snapshots/manifest.ts';
import { codeOf } from '../../contracts/object-store.ts';
import { fileOf, manyFiles, snapshotOf } from './files.ts';

const snapshot: Snapshot = {
  dataset: 'flights',
  files: [{ key: 'data/flights/a.csv', s3VersionId: 'v', sizeBytes: 4, sha256: 'd', rows: 1, format: 'csv' }],
  rows: 1,
  columns: [{ name: 'a', type: 'integer' }],
  deviations: [],
  dialect: null,
};

test('a sealed snapshot is read by its digest', async () => {
  const store = createMemoryObjectStore();
  const reference = await sealSnapshot(store, snapshot);
  // SHA-256 of the canonical JSON (RFC 8785) of part and root, from Python 3.11: json.dumps(s, sort_keys=True, separators=(',', ':')).
  expect(reference).toEqual({
    dataset: 'flights',
    digest: 'e912425417582adcbabdaadebe966cb995620b295cbc8d5b1d1c4701c487fdda',
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

test('a name is resolved and the snapshot read without ever listing the bucket', async () => {
  const inner = createMemoryObjectStore();
  const store: ObjectStore = {
    ...inner,
    list: () => {
      throw new Error('listed');
    },
  };
  const { digest } = await sealSnapshot(store, snapshot);
  const signed = { dataset: 'flights', at: '2026-11-01T00:00:00.000Z', who: 'ada', why: 'a test' };
  const move = { branch: 'latest', to: digest, event: 'created', entryId: 'one' } as const;
  await moveBranch(store, { ...signed, ...move, dataVersion: '1.0.0', reasons: [] });
  await tagSnapshot(store, { ...signed, tag: 'first', digest });
  for (const name of ['flights', 'flights@latest', 'flights@first', 'flights@1.0.0', `flights@${digest.slice(0, 8)}`])
    expect(await readSnapshot(store, await resolveSnapshot(store, name))).toEqual(snapshot);
});

test('what a caller knows beside does not change the digest', async () => {
  const store = createMemoryObjectStore();
  const first = await sealSnapshot(store, snapshot);
  const richer = { ...snapshot, parent: 'x', files: snapshot.files.map((file) => ({ addedAt: 'today', ...file })) };
  expect(await sealSnapshot(store, richer)).toEqual(first);
});

test('an altered manifest is EVIDENCE_ALTERED', async () => {
  const store = createMemoryObjectStore();
  const reference = await sealSnapshot(store, snapshot);
  const key = `snapshots/flights/${reference.digest}.json`;
  await store.write(key, new TextEncoder().encode(JSON.stringify({ ...snapshot, rows: 2 })));
  expect(await codeOf(readSnapshot(store, reference))).toBe('EVIDENCE_ALTERED');
});

test('an altered part is EVIDENCE_ALTERED', async () => {
  const store = createMemoryObjectStore();
  const reference = await sealSnapshot(store, snapshot);
  const [part] = await partKeys(store);
  await store.write(part ?? '', new TextEncoder().encode('[]'));
  expect(await codeOf(readSnapshot(store, reference))).toBe('EVIDENCE_ALTERED');
});

test('a snapshot that was never sealed is NOT_FOUND', async () => {
  expect(await codeOf(readSnapshot(createMemoryObjectStore(), { dataset: 'flights', digest: '3f2' }))).toBe(
    'NOT_FOUND',
  );
});

test.each([
  ['files out of order', { ...snapshot, files: [fileOf('b'), fileOf('a')] }],
  ['a key twice', { ...snapshot, files: [fileOf('a'), fileOf('a', 'other')] }],
  // U+1F600 comes behind U+FF01 in UTF-8 and before it in UTF-16.
  ['files in the order of UTF-16', { ...snapshot, files: [fileOf('\u{1f600}'), fileOf('\u{ff01}')] }],
  ['rows that are not those of its files', { ...snapshot, rows: 2 }],
])('a snapshot with %s is not sealed', async (_, wrong) => {
  const store = createMemoryObjectStore();
  expect(await codeOf(sealSnapshot(store, wrong))).toBe('INPUT_INVALID');
  expect(await partKeys(store)).toEqual([]);
});

test('20,000 files stand in about 20 parts and come back in order', async () => {
  const store = createMemoryObjectStore();
  const many = snapshotOf(manyFiles(20_000));
  const reference = await sealSnapshot(store, many);
  const manifest = await readManifest(store, reference);
  expect(manifest).toMatchObject({ fileCount: 20_000, rows: many.rows });
  // One boundary in 1,024 keys: 19.5 expected, and outside of 5 to 40 once in a thousand sets of keys.
  expect(manifest.parts.length).toBeGreaterThan(5);
  expect(manifest.parts.length).toBeLessThan(40);
  const keys: string[] = [];
  for await (const { key } of snapshotFiles(store, manifest)) keys.push(key);
  expect(keys).toEqual(many.files.map(({ key }) => key));
  expect(await readSnapshot(store, reference)).toEqual(many);
});

test('two snapshots share the parts that are the same, and parts of the parent are not written again', async () => {
  const store = createMemoryObjectStore();
  const files = manyFiles(5_000);
  const parent = await readManifest(store, await sealSnapshot(store, snapshotOf(files)));
  const changed = files.map((file) => (file.key.endsWith('2500.csv') ? fileOf(file.key, 'corrected') : file));
  const written: string[] = [];
  const counting: ObjectStore = {
    ...store,
    write: (key, ...others) => {
      written.push(key);
      return store.write(key, ...others);
    },
  };
  const child = await readManifest(store, await sealSnapshot(counting, snapshotOf(changed), { parent }));
  const known = new Set(parent.parts.map(({ sha256 }) => sha256));
  expect(child.parts.filter(({ sha256 }) => !known.has(sha256))).toHaveLength(1);
  expect(written).toHaveLength(2);
});

async function partKeys(store: ObjectStore): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('snapshots/flights/parts/')) keys.push(key);
  return keys;
}
