import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { SnapshotStatistics } from '../../../domain/column-statistics.ts';
import type { Column } from '../../../domain/snapshot.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { createBranch, moveBranch } from '../../../stores/snapshots/history.ts';
import { sealSnapshot } from '../../../stores/snapshots/manifest.ts';
import { measureStatistics } from '../../../stores/snapshots/measure-statistics.ts';
import { mergeBranch } from '../../../stores/snapshots/merge.ts';
import { keepStatistics, readStatistics } from '../../../stores/snapshots/statistics.ts';
import { literal, openTables, type Tables } from '../../../stores/tables.ts';
import { fileOf, snapshotOf } from './files.ts';

const signed = { dataset: 'flights', at: '2026-11-01T00:00:00.000Z', who: 'ada', why: 'a test' };
const columns: readonly Column[] = [
  { name: 'delay', type: 'integer' },
  { name: 'origin', type: 'string' },
];

let tables: Tables;
let folder: string;
let store: ObjectStore;
let edges: SnapshotStatistics | undefined;
beforeAll(async () => {
  tables = await openTables();
  folder = await mkdtemp(join(tmpdir(), 'perdura-merged-'));
});
afterAll(async () => {
  tables.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  store = createMemoryObjectStore();
  edges = undefined;
});

/** Files by name; the words of each say which rows it has. */
type Files = Readonly<Record<string, string>>;

const pathOf = (words: string) => join(folder, `${words.replaceAll(' ', '-')}.parquet`);

async function measured(files: Files) {
  for (const words of Object.values(files)) {
    const select = `SELECT CAST(hash(range, ${literal(words)}) % 1000 AS INTEGER) - ${words.length} AS delay, chr(CAST(97 + range % 5 AS INTEGER)) AS origin`;
    await tables.all(`COPY (${select} FROM range(${rowsOf(words)})) TO ${literal(pathOf(words))} (FORMAT parquet)`);
  }
  return measureStatistics(tables, Object.values(files).map(pathOf), columns, edges);
}

const rowsOf = (words: string) => 100 + words.length;

/** Seals files, with their statistics over the first snapshot's edges, and moves a branch there. */
async function move(branch: string, files: Files): Promise<string> {
  const sealed = Object.entries(files).map(([key, words]) => ({ ...fileOf(key, words), rows: rowsOf(words) }));
  const { digest } = await sealSnapshot(store, snapshotOf(sealed, { columns }));
  const own = { dataset: 'flights', digest, ...(await measured(files)) };
  const kept = await keepStatistics(store, { ...own, edgesFrom: edges?.edgesFrom ?? digest });
  edges ??= kept;
  const what = { branch, to: digest, event: 'created' as const, entryId: `${branch} ${digest}` };
  await moveBranch(store, { ...signed, ...what, dataVersion: `1.0.${digest.length}`, reasons: [] });
  return digest;
}

async function merged(sides: { readonly base: Files; readonly ours: Files; readonly theirs: Files }) {
  await createBranch(store, { ...signed, branch: 'fix', from: await move('latest', sides.base) });
  await move('latest', sides.ours);
  await move('fix', sides.theirs);
  const { reference } = await mergeBranch(store, { ...signed, from: 'fix', into: 'latest' });
  return readStatistics(store, reference);
}

test('the statistics of a merge are those of its files, without reading them', async () => {
  const found = await merged({
    base: { a: 'one', b: 'two', c: 'three' },
    ours: { a: 'one', b: 'two', c: 'three', d: 'four' },
    theirs: { a: 'one', b: 'two mended', e: 'six' },
  });
  const files = { a: 'one', b: 'two mended', d: 'four', e: 'six' };
  const counted = await measured(files);
  expect(found).toMatchObject({ rows: counted.rows, edgesFrom: edges?.edgesFrom });
  for (const name of ['delay', 'origin']) {
    expect(found?.columns[name]?.profile).toEqual(counted.columns[name]?.profile);
    expect(found?.columns[name]?.missing).toBe(0);
  }
  const [range, wanted] = [found?.columns['delay']?.range, counted.columns['delay']?.range];
  expect(range?.count).toBe(wanted?.count);
  expect(range?.mean).toBeCloseTo(wanted?.mean ?? NaN, 9);
  expect(range?.standardDeviation).toBeCloseTo(wanted?.standardDeviation ?? NaN, 9);
});

test('where both sides changed a file alike nothing is added up: whoever compares measures', async () => {
  const found = await merged({
    base: { a: 'one', b: 'two' },
    ours: { a: 'one', b: 'two mended', c: 'four' },
    theirs: { a: 'one', b: 'two mended', d: 'five' },
  });
  expect(found).toBeNull();
});
