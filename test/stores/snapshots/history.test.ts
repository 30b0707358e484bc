import type { SnapshotReference } from '../../../domain/snapshot.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import {
  type BranchMove,
  createBranch,
  moveBranch,
  readHistory,
  resolveSnapshot,
  rollBack,
  tagSnapshot,
} from '../../../stores/snapshots/history.ts';
import { sealSnapshot } from '../../../stores/snapshots/manifest.ts';
import { codeOf } from '../../contracts/object-store.ts';
import { fileOf, snapshotOf } from './files.ts';

const signed = { dataset: 'flights', at: '2026-11-01T00:00:00.000Z', who: 'ada', why: 'a test' };

let store: ObjectStore;
beforeEach(() => {
  store = createMemoryObjectStore();
});

test('a branch that moves leaves an entry with where it came from', async () => {
  const [first, second] = [await sealed('first'), await sealed('second')];
  await created(first, '1.0.0');
  const entry = await created(second, '1.1.0', { reasons: ['One file is new.'] });
  expect(entry).toMatchObject({ name: 'latest', from: first.digest, to: second.digest, dataVersion: '1.1.0' });
  expect(await readHistory(store, 'flights')).toMatchObject({
    branches: { latest: { digest: second.digest, dataVersion: '1.1.0' } },
    entries: [{ to: first.digest, from: null }, { reasons: ['One file is new.'] }],
  });
});

test('a move is made once however often it is asked for, also after the branch went on', async () => {
  const [first, second] = [await sealed('first'), await sealed('second')];
  const entry = await created(first, '1.0.0', { entryId: 'run-1' });
  await created(second, '1.1.0');
  expect(await created(first, '1.0.0', { entryId: 'run-1' })).toEqual(entry);
  expect((await resolveSnapshot(store, 'flights@latest')).digest).toBe(second.digest);
});

test('a branch that stands there already gets no entry', async () => {
  const first = await sealed('first');
  const entry = await created(first, '1.0.0', { entryId: 'one' });
  expect(await created(first, '1.0.0', { entryId: 'two' })).toEqual(entry);
  expect((await readHistory(store, 'flights'))?.entries).toHaveLength(1);
});

test('a move from where the branch does not stand is CONFLICT, and of ten at once one wins', async () => {
  const first = await sealed('first');
  await created(first, '1.0.0', { expects: null });
  expect(await codeOf(created(await sealed('x'), '1.0.0', { expects: null }))).toBe('CONFLICT');
  const racers = await Promise.all(Array.from({ length: 10 }, (_, index) => sealed(`racer ${index}`)));
  const settled = await Promise.all(
    racers.map((racer) => codeOf(created(racer, '1.0.1', { expects: first.digest })).then(String)),
  );
  expect(settled.filter((code) => code === 'CONFLICT')).toHaveLength(9);
  expect((await readHistory(store, 'flights'))?.entries).toHaveLength(2);
});

test('of forty moves of other branches at once none is lost', async () => {
  const snapshots = await Promise.all(Array.from({ length: 40 }, (_, index) => sealed(`snapshot ${index}`)));
  await Promise.all(snapshots.map((snapshot, index) => created(snapshot, '1.0.0', { branch: `branch-${index}` })));
  const history = await readHistory(store, 'flights');
  expect(Object.keys(history?.branches ?? {})).toHaveLength(40);
  expect(new Set(history?.entries.map(({ dataVersion }) => dataVersion)).size).toBe(40);
});

test('a data version belongs to one snapshot, and a snapshot keeps its own', async () => {
  const [first, second, third] = [await sealed('first'), await sealed('second'), await sealed('third')];
  await created(first, '1.0.0');
  await created(second, '1.1.0');
  await rollBack(store, { ...signed, branch: 'latest' });
  expect((await created(third, '1.1.0')).dataVersion).toBe('1.2.0');
  expect((await created(second, '1.2.1')).dataVersion).toBe('1.1.0');
});

test('rolling back leads to where the branch stood, and again one snapshot further', async () => {
  const snapshots = [await sealed('first'), await sealed('second'), await sealed('third')];
  for (const [index, snapshot] of snapshots.entries()) await created(snapshot, `1.${index}.0`);
  const back = async (minute: number) =>
    rollBack(store, { ...signed, at: `2026-11-01T00:0${minute}:00.000Z`, branch: 'latest' });
  expect(await back(1)).toMatchObject({ event: 'rolledBack', to: snapshots[1]?.digest, dataVersion: '1.1.0' });
  expect(await back(1)).toMatchObject({ to: snapshots[1]?.digest });
  expect(await back(2)).toMatchObject({ to: snapshots[0]?.digest, dataVersion: '1.0.0' });
  expect(await codeOf(back(3))).toBe('NOT_FOUND');
  expect((await readHistory(store, 'flights'))?.entries).toHaveLength(5);
});

test('a branch goes back to a tag, a data version or the beginning of a digest', async () => {
  const [first, second, third] = [await sealed('first'), await sealed('second'), await sealed('third')];
  await created(first, '1.0.0');
  await tagSnapshot(store, { ...signed, tag: 'q1', digest: first.digest });
  await created(second, '1.1.0');
  await created(third, '2.0.0');
  const to = async (name: string) => (await rollBack(store, { ...signed, branch: 'latest', to: name })).to;
  expect(await to('q1')).toBe(first.digest);
  expect(await to('1.1.0')).toBe(second.digest);
  expect(await to(third.digest.slice(0, 8))).toBe(third.digest);
  expect(await codeOf(to('9.9.9'))).toBe('NOT_FOUND');
});

test('a tag never moves', async () => {
  const [first, second] = [await sealed('first'), await sealed('second')];
  await created(first, '1.0.0');
  await created(second, '1.1.0');
  const tag = await tagSnapshot(store, { ...signed, tag: 'q1', digest: first.digest });
  expect(await tagSnapshot(store, { ...signed, at: 'later', tag: 'q1', digest: first.digest })).toEqual(tag);
  expect(await codeOf(tagSnapshot(store, { ...signed, tag: 'q1', digest: second.digest }))).toBe('CONFLICT');
  expect(await resolveSnapshot(store, 'flights@q1')).toEqual({ ...first, dataVersion: '1.0.0' });
});

test('branches and tags share their names', async () => {
  const first = await sealed('first');
  await created(first, '1.0.0');
  await createBranch(store, { ...signed, branch: 'fix', from: first.digest });
  await tagSnapshot(store, { ...signed, tag: 'q1', digest: first.digest });
  expect(await codeOf(tagSnapshot(store, { ...signed, tag: 'fix', digest: first.digest }))).toBe('CONFLICT');
  expect(await codeOf(createBranch(store, { ...signed, branch: 'q1', from: first.digest }))).toBe('CONFLICT');
  expect(await codeOf(created(await sealed('x'), '1.0.1', { branch: 'q1' }))).toBe('CONFLICT');
});

test.each(['latest', '1.2.0', '0123abcd', '../up', 'a/b', '', 'x@y'])('%p cannot name a tag', async (tag) => {
  const first = await sealed('first');
  await created(first, '1.0.0');
  expect(await codeOf(tagSnapshot(store, { ...signed, tag, digest: first.digest }))).toBe('INPUT_INVALID');
});

test('names that every object has are names like others', async () => {
  const first = await sealed('first');
  await created(first, '1.0.0');
  expect(await codeOf(resolveSnapshot(store, 'flights@constructor'))).toBe('NOT_FOUND');
  await createBranch(store, { ...signed, branch: 'constructor', from: first.digest });
  expect((await resolveSnapshot(store, 'flights@constructor')).digest).toBe(first.digest);
});

test('a snapshot is found by branch, tag, data version, digest and its beginning, and no listing is needed', async () => {
  const unlisted: ObjectStore = {
    ...store,
    list: () => {
      throw new Error('listed');
    },
  };
  const first = await sealed('first');
  await created(first, '1.0.0');
  await tagSnapshot(store, { ...signed, tag: 'q1', digest: first.digest });
  const names = ['flights', 'flights@latest', 'flights@q1', 'flights@1.0.0'];
  for (const name of [...names, `flights@${first.digest}`, `flights@${first.digest.slice(0, 8)}`])
    expect(await resolveSnapshot(unlisted, name)).toEqual({ ...first, dataVersion: '1.0.0' });
});

test('a sealed snapshot that no branch reached is found by its whole digest', async () => {
  const first = await sealed('first');
  expect(await resolveSnapshot(store, `flights@${first.digest}`)).toEqual({ ...first, dataVersion: null });
});

test('what is not there is NOT_FOUND with what there is', async () => {
  const first = await sealed('first');
  expect(String(await resolveSnapshot(store, 'flights@latest').catch((error: unknown) => error))).toContain(
    "no snapshot yet. Make one with 'perdura snapshot create flights'",
  );
  await created(first, '1.0.0');
  await createBranch(store, { ...signed, branch: 'fix', from: first.digest });
  const failure = await resolveSnapshot(store, 'flights@lates').catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'NOT_FOUND' });
  expect(String(failure)).toContain(`branches fix, latest; last snapshots ${first.digest.slice(0, 12)} (1.0.0)`);
});

async function sealed(words: string): Promise<SnapshotReference> {
  return sealSnapshot(store, snapshotOf([fileOf('a.csv', words)]));
}

async function created(snapshot: SnapshotReference, dataVersion: string, more: Partial<BranchMove> = {}) {
  const entryId = more.entryId ?? `${snapshot.digest}-${dataVersion}`;
  const move = { ...signed, branch: 'latest', event: 'created' as const, reasons: [], dataVersion, ...more, entryId };
  return moveBranch(store, { ...move, to: snapshot.digest });
}

test('of two who go back at once from the same snapshot one is told that the branch has moved', async () => {
  const made = [await sealed('first'), await sealed('second'), await sealed('third')] as const;
  for (const [place, reference] of made.entries()) await created(reference, `1.${place}.0`);
  const back = (who: string) => rollBack(store, { ...signed, who, branch: 'latest', expects: made[2].digest });
  const settled = await Promise.all([codeOf(back('ada').then(String)), codeOf(back('eve').then(String))]);
  expect(settled.filter((code) => code === 'CONFLICT')).toHaveLength(1);
  expect((await resolveSnapshot(store, 'flights')).digest).toBe(made[1].digest);
});

test.each(['x/../flights@latest', '../flights', 'flights\n@latest', '@latest', 'a\0b'])(
  '%j leads to no other key',
  async (name) => {
    await created(await sealed('first'), '1.0.0');
    expect(await codeOf(resolveSnapshot(store, name))).toBe('INPUT_INVALID');
  },
);
