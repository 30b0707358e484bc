import type { ColumnStatistics, SnapshotStatistics } from '../../../domain/column-statistics.ts';
import type { Snapshot } from '../../../domain/snapshot.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { diffSnapshots } from '../../../stores/snapshots/diff.ts';
import { sealSnapshot } from '../../../stores/snapshots/manifest.ts';
import { keepStatistics, readStatistics } from '../../../stores/snapshots/statistics.ts';
import { fileOf, manyFiles, snapshotOf } from './files.ts';

let store: ObjectStore;
beforeEach(() => {
  store = createMemoryObjectStore();
});

test('files that came, went and changed are told apart, and bytes by SHA-256', async () => {
  const again = { ...fileOf('same'), s3VersionId: 'another' };
  const older = snapshotOf([fileOf('a'), fileOf('b'), fileOf('same'), fileOf('z')]);
  const newer = snapshotOf([fileOf('b', 'mended'), fileOf('c'), again, fileOf('z')]);
  const diff = await diffOf(older, newer);
  expect(diff).toMatchObject({
    change: 'minor',
    reasons: [
      'One file is new.',
      'One file is gone.',
      'One file has other bytes.',
      'One file is pinned at another S3 version.',
    ],
    files: {
      added: [fileOf('c')],
      removed: [fileOf('a')],
      changed: [{ from: fileOf('b'), to: fileOf('b', 'mended') }],
      unchanged: 2,
    },
    rows: { from: older.rows, to: newer.rows },
    distributions: [],
  });
});

test('of 20,000 files with one changed only the parts that differ are read', async () => {
  const files = manyFiles(20_000);
  const older = await sealSnapshot(store, snapshotOf(files));
  const mended = files.map((file) => (file.key.endsWith('12345.csv') ? fileOf(file.key, 'mended') : file));
  const newer = await sealSnapshot(store, snapshotOf(mended));
  const asked: string[] = [];
  const noting: ObjectStore = {
    ...store,
    read: (key, options) => {
      asked.push(key);
      return store.read(key, options);
    },
  };
  const diff = await diffSnapshots(noting, 'flights', older.digest, newer.digest);
  expect(diff).toMatchObject({ change: 'patch', files: { added: [], removed: [], unchanged: 19_999 } });
  expect(diff.files.changed.map(({ to }) => to.key)).toEqual(['data/flights/0012345.csv']);
  expect(asked.filter((key) => key.includes('/parts/'))).toHaveLength(2);
});

test('columns that came, went and have another type are named', async () => {
  const facts = (columns: Snapshot['columns']) => snapshotOf([fileOf('a')], { columns });
  const diff = await diffOf(
    facts([
      { name: 'delay', type: 'integer' },
      { name: 'gone', type: 'string' },
      { name: 'at', type: 'timestamp', zoned: true },
    ]),
    facts([
      { name: 'new', type: 'string' },
      { name: 'delay', type: 'number' },
      { name: 'at', type: 'timestamp', zoned: true },
    ]),
  );
  expect(diff.columns).toEqual({
    added: [{ name: 'new', type: 'string' }],
    removed: [{ name: 'gone', type: 'string' }],
    retyped: [{ from: { name: 'delay', type: 'integer' }, to: { name: 'delay', type: 'number' } }],
  });
  expect(diff.change).toBe('major');
});

test('a snapshot beside itself does not differ', async () => {
  expect(await diffOf(snapshotOf([fileOf('a')]), snapshotOf([fileOf('a')]))).toMatchObject({
    change: 'none',
    reasons: [],
    files: { unchanged: 1 },
  });
});

test('columns that differ most come first, and other edges cannot be compared', async () => {
  const [older, newer] = [snapshotOf([fileOf('a')]), snapshotOf([fileOf('b')])];
  await withStatistics(older, { same: counted([10, 10]), moved: counted([10, 10]), recut: counted([10, 10]) });
  await withStatistics(newer, { same: counted([10, 10]), moved: counted([30, 10]), recut: counted([10, 10], [7]) });
  const { distributions } = await diffOf(older, newer);
  expect(distributions.map(({ column }) => column)).toEqual(['moved', 'same', 'recut']);
  // sum (q - p) ln(q / p) with p = 1/2, 1/2 and q = 3/4, 1/4: ln(3) / 4, by hand.
  expect(distributions[0]?.psi).toBeCloseTo(Math.log(3) / 4, 12);
  expect(distributions.slice(1).map(({ psi }) => psi)).toEqual([0, null]);
});

test('the first statistics of a snapshot stay', async () => {
  const reference = await withStatistics(snapshotOf([fileOf('a')]), { delay: counted([1, 2]) });
  const first = await readStatistics(store, reference);
  expect(first?.columns['delay']).toEqual(counted([1, 2]));
  expect(await withStatistics(snapshotOf([fileOf('a')]), { delay: counted([3, 4]) })).toEqual(reference);
  expect(await readStatistics(store, reference)).toEqual(first);
  expect(await readStatistics(store, { dataset: 'flights', digest: 'unmeasured' })).toBeNull();
});

async function diffOf(older: Snapshot, newer: Snapshot) {
  const [from, to] = [await sealSnapshot(store, older), await sealSnapshot(store, newer)];
  return diffSnapshots(store, 'flights', from.digest, to.digest);
}

async function withStatistics(snapshot: Snapshot, columns: SnapshotStatistics['columns']) {
  const reference = await sealSnapshot(store, snapshot);
  const { dataset, digest, rows } = reference;
  await keepStatistics(store, { dataset, digest, rows, edgesFrom: digest, columns });
  return reference;
}

function counted(counts: readonly number[], edges: readonly number[] = [5]): ColumnStatistics {
  return {
    type: 'integer',
    missing: 0,
    distinct: null,
    range: null,
    profile: { kind: 'number', edges, counts, missing: 0 },
  };
}
