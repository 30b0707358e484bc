import fc from 'fast-check';

import { isCoded } from '../../../domain/errors.ts';
import type { Snapshot, SnapshotFile, SnapshotReference } from '../../../domain/snapshot.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { createBranch, moveBranch, readHistory, resolveSnapshot, rollBack } from '../../../stores/snapshots/history.ts';
import { readSnapshot, sealSnapshot } from '../../../stores/snapshots/manifest.ts';
import { mergeBranch } from '../../../stores/snapshots/merge.ts';
import { fileOf, snapshotOf } from './files.ts';

const signed = { dataset: 'flights', at: '2026-11-01T00:00:00.000Z', who: 'ada', why: 'a test' };
const merge = { ...signed, from: 'fix', into: 'latest' };
const [a, b, c] = [fileOf('a'), fileOf('b'), fileOf('c')];

let store: ObjectStore;
let count: number;
beforeEach(() => {
  store = createMemoryObjectStore();
  count = 0;
});

test('what one side changed is taken from that side', async () => {
  await branches({
    base: [a, b, c],
    latest: [fileOf('a', 'mended'), b, c, fileOf('d')],
    fix: [a, fileOf('b', 'other'), fileOf('e')],
  });
  const { reference, conflicts } = await mergeBranch(store, merge);
  expect(conflicts).toEqual([]);
  const { files } = await readSnapshot(store, reference);
  expect(files).toEqual([fileOf('a', 'mended'), fileOf('b', 'other'), fileOf('d'), fileOf('e')]);
  // Base 1.1.0, latest 1.2.0; against latest b has other bytes, c is gone, e is new: minor.
  expect(await resolveSnapshot(store, 'flights')).toMatchObject({ digest: reference.digest, dataVersion: '1.3.0' });
  expect((await readHistory(store, 'flights'))?.entries.at(-1)).toMatchObject({ event: 'merged', name: 'latest' });
});

test('every key that both changed differently is named, and nothing moves', async () => {
  await branches({
    base: [a, b, c],
    latest: [fileOf('a', 'one'), fileOf('c', 'same'), fileOf('d', 'one')],
    fix: [fileOf('a', 'other'), fileOf('b', 'mended'), fileOf('c', 'same'), fileOf('d', 'other')],
  });
  const before = await readHistory(store, 'flights');
  const failure = await mergeBranch(store, merge).catch((error: unknown) => error);
  expect(isCoded(failure, 'CONFLICT') && failure.details['conflicts']).toEqual(['a', 'b', 'd']);
  expect(String(failure)).toContain('both changed a, b, d');
  expect(await readHistory(store, 'flights')).toEqual(before);
});

test('a branch that has not moved follows', async () => {
  const { base, fix } = await branches({ base: [a], latest: [a], fix: [a, b] });
  expect((await mergeBranch(store, merge)).reference).toEqual(fix);
  expect((await resolveSnapshot(store, 'flights')).digest).toBe(fix.digest);
  expect(base.digest).not.toBe(fix.digest);
});

test('what is merged already is not merged again, and nothing new changes nothing', async () => {
  const { latest } = await branches({ base: [a], latest: [a, b], fix: [a] });
  expect((await mergeBranch(store, merge)).reference).toEqual(latest);
  await move('fix', [a, c]);
  const first = await mergeBranch(store, merge);
  expect(await mergeBranch(store, { ...merge, at: '2026-11-02T00:00:00.000Z' })).toEqual(first);
  expect((await readHistory(store, 'flights'))?.entries.filter(({ event }) => event === 'merged')).toHaveLength(1);
});

test('a second merge starts from the first: what was settled then is no conflict now', async () => {
  await branches({ base: [a, b], latest: [a, b, fileOf('d')], fix: [fileOf('a', 'mended'), b] });
  await mergeBranch(store, merge);
  await move('latest', [fileOf('a', 'mended twice'), b, fileOf('d')]);
  await move('fix', [fileOf('a', 'mended'), fileOf('b', 'mended')]);
  const { reference } = await mergeBranch(store, { ...merge, at: '2026-11-02T00:00:00.000Z' });
  const { files } = await readSnapshot(store, reference);
  expect(files).toEqual([fileOf('a', 'mended twice'), fileOf('b', 'mended'), fileOf('d')]);
});

test('a merge that was rolled back can be merged again', async () => {
  await branches({ base: [a], latest: [a, b], fix: [a, c] });
  const first = await mergeBranch(store, merge);
  await rollBack(store, { ...signed, branch: 'latest' });
  expect(await mergeBranch(store, { ...merge, at: '2026-11-02T00:00:00.000Z' })).toEqual(first);
  expect((await resolveSnapshot(store, 'flights')).digest).toBe(first.reference.digest);
});

test('a column that one side added is missing in the files of the other', async () => {
  const [delay, gate] = [
    { name: 'delay', type: 'integer' as const },
    { name: 'gate', type: 'string' as const },
  ];
  await branches({
    base: [a],
    latest: [a, b],
    fix: snapshotOf([a, c], { columns: [delay, gate], deviations: [{ key: 'a', missing: ['gate'], unlike: [] }] }),
  });
  const { reference } = await mergeBranch(store, merge);
  expect(await readSnapshot(store, reference)).toMatchObject({
    columns: [delay, gate],
    deviations: [
      { key: 'a', missing: ['gate'], unlike: [] },
      { key: 'b', missing: ['gate'], unlike: [] },
    ],
  });
});

test('a column goes with the last file that has it', async () => {
  const columns = [
    { name: 'delay', type: 'integer' as const },
    { name: 'gate', type: 'string' as const },
  ];
  const deviations = [{ key: 'a', missing: ['gate'], unlike: [] }];
  await branches({
    base: snapshotOf([a, b], { columns, deviations }),
    latest: snapshotOf([a, b, c], {
      columns,
      deviations: [...deviations, { key: 'c', missing: ['gate'], unlike: [] }],
    }),
    fix: snapshotOf([a]),
  });
  const { reference } = await mergeBranch(store, merge);
  expect(await readSnapshot(store, reference)).toMatchObject({ columns: [{ name: 'delay' }], deviations: [] });
});

test('a column that one side widened takes the new files of the other, as unlike', async () => {
  const widened = { columns: [{ name: 'delay', type: 'number' as const }] };
  await branches({
    base: [a],
    latest: [a, b],
    fix: snapshotOf([a, c], { ...widened, deviations: [{ key: 'a', missing: [], unlike: ['delay'] }] }),
  });
  const { reference } = await mergeBranch(store, merge);
  expect(await readSnapshot(store, reference)).toMatchObject({
    ...widened,
    deviations: [
      { key: 'a', missing: [], unlike: ['delay'] },
      { key: 'b', missing: [], unlike: ['delay'] },
    ],
  });
});

test('columns that both retyped differently, or that do not fit, are conflicts', async () => {
  const typed = (type: 'string' | 'boolean' | 'integer') => ({ columns: [{ name: 'delay', type }] });
  await branches({
    base: [a],
    latest: snapshotOf([fileOf('b')], typed('string')),
    fix: snapshotOf([fileOf('c')], typed('boolean')),
  });
  expect(await conflictsOf()).toEqual(["column 'delay'"]);
});

test('text files that were written in another dialect do not merge', async () => {
  await branches({ base: [a], latest: [a, b], fix: snapshotOf([a, c], { dialect: { delimiter: ';' } }) });
  expect(await conflictsOf()).toEqual(['dialect']);
});

test('branches that do not exist are NOT_FOUND', async () => {
  await branches({ base: [a], latest: [a, b], fix: [a] });
  expect(isCoded(await mergeBranch(store, { ...merge, from: 'no' }).catch((e: unknown) => e), 'NOT_FOUND')).toBe(true);
});

test('merging agrees with merging plain maps, file by file', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e'];
  const side = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom('one', 'two', 'three'));
  await fc.assert(
    fc.asyncProperty(side, side, side, async (base, ours, theirs) => {
      store = createMemoryObjectStore();
      await branches({ base: filesOf(base), latest: filesOf(ours), fix: filesOf(theirs) });
      const clashes = keys.filter(
        (key) => ours[key] !== theirs[key] && ours[key] !== base[key] && theirs[key] !== base[key],
      );
      const merged = keys.flatMap((key) => {
        const words = ours[key] === base[key] ? theirs[key] : ours[key];
        return words === undefined ? [] : [fileOf(key, words)];
      });
      expect(await filesOrConflicts()).toEqual(clashes.length > 0 ? clashes : merged);
    }),
    { numRuns: 150 },
  );
});

async function filesOrConflicts(): Promise<unknown> {
  try {
    return (await readSnapshot(store, (await mergeBranch(store, merge)).reference)).files;
  } catch (error) {
    return isCoded(error, 'CONFLICT') ? error.details['conflicts'] : error;
  }
}

async function conflictsOf(): Promise<unknown> {
  const failure = await mergeBranch(store, merge).catch((error: unknown) => error);
  return isCoded(failure, 'CONFLICT') ? failure.details['conflicts'] : failure;
}

function filesOf(side: Readonly<Record<string, string>>): readonly SnapshotFile[] {
  return Object.entries(side).map(([key, words]) => fileOf(key, words));
}

type Content = readonly SnapshotFile[] | Snapshot;

/** Two branches that came from one snapshot. */
async function branches(sides: { readonly base: Content; readonly latest: Content; readonly fix: Content }) {
  const base = await move('latest', sides.base);
  await createBranch(store, { ...signed, branch: 'fix', from: base.digest });
  return { base, latest: await move('latest', sides.latest), fix: await move('fix', sides.fix) };
}

async function move(branch: string, content: Content): Promise<SnapshotReference> {
  const snapshot = 'dataset' in content ? content : snapshotOf(content);
  const reference = await sealSnapshot(store, snapshot);
  const version = { dataVersion: branch === 'latest' ? '1.1.0' : '1.0.1', reasons: [] };
  const what = { branch, to: reference.digest, event: 'created' as const, entryId: `entry-${count++}` };
  await moveBranch(store, { ...signed, ...what, ...version });
  return reference;
}
