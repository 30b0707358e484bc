import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mergeStatistics, type SnapshotStatistics, subtractStatistics } from '../../../domain/column-statistics.ts';
import { binOf } from '../../../domain/drift/profile-window.ts';
import type { NumberProfile } from '../../../domain/drift-report.ts';
import type { Column } from '../../../domain/snapshot.ts';
import { measureStatistics } from '../../../stores/snapshots/measure-statistics.ts';
import { identifier, literal, openTables, type Tables } from '../../../stores/tables.ts';

const flightsFile = fileURLToPath(
  new URL('../../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url),
);

let tables: Tables;
let folder: string;
beforeAll(async () => {
  tables = await openTables();
  folder = await mkdtemp(join(tmpdir(), 'perdura-statistics-'));
});
afterAll(async () => {
  tables.close();
  await rm(folder, { recursive: true, force: true });
});

async function parquet(name: string, select: string): Promise<string> {
  const path = join(folder, `${name}.parquet`);
  await tables.all(`COPY (${select}) TO ${literal(path)} (FORMAT parquet)`);
  return path;
}

const flightColumns: readonly Column[] = [
  { name: 'date', type: 'timestamp', zoned: false },
  { name: 'delay', type: 'integer' },
  { name: 'distance', type: 'integer' },
  { name: 'origin', type: 'string' },
];

const named = (statistics: Pick<SnapshotStatistics, 'rows' | 'columns'>): SnapshotStatistics => ({
  ...statistics,
  dataset: 'd',
  digest: 'a',
  edgesFrom: 'a',
});

test('counts over 3,000,000 flights are those of a GROUP BY on the same edges (DuckDB 1.5.5)', async () => {
  const { rows, columns } = await measureStatistics(tables, [flightsFile], flightColumns);
  const profile = columns['delay']?.profile as NumberProfile;
  const cases = profile.edges.map((edge) => `(delay >= ${edge})::INT`).join(' + ');
  const own = await tables.all(`SELECT ${cases} AS bin, count(*) AS n FROM ${literal(flightsFile)} GROUP BY bin`);
  const counts = profile.counts.map((_, bin) => Number(own.find((row) => Number(row['bin']) === bin)?.['n'] ?? 0));
  expect(rows).toBe(3_000_000);
  expect(profile.edges.length).toBeGreaterThan(30);
  expect(profile.counts).toEqual(counts);
  const [range] = await tables.all(`SELECT min(delay) AS min, max(delay) AS max, count(*) AS count, avg(delay) AS mean,
    stddev_pop(delay) AS "standardDeviation" FROM ${literal(flightsFile)}`);
  expect(columns['delay']?.range).toMatchObject({ min: range?.['min'], max: range?.['max'], count: 3_000_000 });
  expect(columns['delay']?.range?.mean).toBeCloseTo(Number(range?.['mean']), 9);
  expect(columns['delay']?.range?.standardDeviation).toBeCloseTo(Number(range?.['standardDeviation']), 9);
});

test('the most frequent values are counted exactly and the rest is unseen', async () => {
  const { columns } = await measureStatistics(tables, [flightsFile], flightColumns);
  const profile = columns['origin']?.profile;
  if (profile?.kind !== 'category') throw new Error('no categories');
  const own = await tables.all(`SELECT origin, count(*) AS n FROM ${literal(flightsFile)} GROUP BY origin`);
  const counted = new Map(own.map((row) => [String(row['origin']), Number(row['n'])]));
  expect(profile.values).toHaveLength(50);
  expect(profile.counts).toEqual(profile.values.map((value) => counted.get(value)));
  expect(profile.unseen).toBe(3_000_000 - profile.counts.reduce((sum, count) => sum + count, 0));
});

test('bins are those of binOf: below all edges, on an edge, above all', async () => {
  const values = [-7, -1, 0, 0, 1, 1, 2, 3.5, 1000];
  const first = await parquet('bins', `SELECT unnest([${values.join(', ')}]::DOUBLE[]) AS x`);
  const column: readonly Column[] = [{ name: 'x', type: 'number' }];
  const reference = named(await measureStatistics(tables, [first], column));
  const profile = reference.columns['x']?.profile as NumberProfile;
  const later = [-1e9, -7, -0.5, 0, 2, 999.99, 1000, 1e12];
  const second = await parquet('later', `SELECT unnest([${later.join(', ')}]::DOUBLE[]) AS x`);
  const over = (await measureStatistics(tables, [second], column, reference)).columns['x']?.profile as NumberProfile;
  expect(over.edges).toEqual(profile.edges);
  const wanted = over.counts.map((_, bin) => later.filter((value) => binOf(profile, value) === bin).length);
  expect(over.counts).toEqual(wanted);
});

test('null, NaN, infinities and numbers whose squares overflow are told apart', async () => {
  const path = await parquet(
    'odd',
    `SELECT unnest([NULL, 'nan', 'inf', '-inf', '1e300', '-1e300', '1', '3']::DOUBLE[]) AS x`,
  );
  const { columns } = await measureStatistics(tables, [path], [{ name: 'x', type: 'number' }]);
  expect(columns['x']).toMatchObject({ missing: 2, range: { min: -1e300, max: 1e300, count: 4, mean: 2 } });
  expect(columns['x']?.profile?.missing).toBe(4);
});

test('a file without a column, booleans, nested values, an empty file and a column of nulls', async () => {
  const one = await parquet('one', `SELECT true AS ok, {'a': 1} AS s, NULL::DOUBLE AS holes FROM range(3)`);
  const two = await parquet('two', `SELECT false AS ok FROM range(2)`);
  const none = await parquet('none', `SELECT true AS ok WHERE false`);
  const columns: readonly Column[] = [
    { name: 'ok', type: 'boolean' },
    { name: 's', type: 'other' },
    { name: 'holes', type: 'number' },
    { name: 'nowhere', type: 'integer' },
  ];
  const measured = await measureStatistics(tables, [one, two, none], columns);
  expect(measured.rows).toBe(5);
  expect(measured.columns['ok']?.profile).toMatchObject({ values: ['true', 'false'], counts: [3, 2], unseen: 0 });
  expect(measured.columns['s']).toEqual({ type: 'other', missing: 2, distinct: null, range: null, profile: null });
  expect(measured.columns['holes']).toMatchObject({ missing: 5, range: null, profile: { edges: [], counts: [0] } });
  expect(measured.columns['nowhere']).toMatchObject({ missing: 5, range: null, profile: { edges: [], missing: 5 } });
});

test('names and values with quotes, spaces, unicode and SQL are data', async () => {
  const names = ['a b', 'q"uote', "it's", "x'); DROP TABLE t; --", '日本', '__proto__'];
  const select = names.map((name) => `${literal(`${name}' OR 1=1 --`)} AS ${identifier(name)}`).join(', ');
  const path = await parquet(`na'me "x" 日本`, `SELECT ${select} FROM range(4)`);
  const columns = names.map((name): Column => ({ name, type: 'string' }));
  const measured = await measureStatistics(tables, [path], columns);
  expect(Object.keys(measured.columns).toSorted()).toEqual(names.toSorted());
  for (const name of names) {
    const own = Object.entries(measured.columns).find(([key]) => key === name)?.[1];
    expect(own?.profile).toMatchObject({ values: [`${name}' OR 1=1 --`], counts: [4], unseen: 0 });
  }
});

test('counts of two files add up to the counts of both, and taken away they leave the first', async () => {
  const select = (from: number, to: number) =>
    `SELECT range % 97 * 1.5 AS x, 'v' || (range % 60) AS code, TIMESTAMP '2001-01-01' + to_hours(range::INT) AS at FROM range(${from}, ${to})`;
  const files = [await parquet('m1', select(0, 500)), await parquet('m2', select(300, 1100))] as const;
  const columns: readonly Column[] = [
    { name: 'x', type: 'number' },
    { name: 'code', type: 'string' },
    { name: 'at', type: 'timestamp', zoned: false },
  ];
  const first = named(await measureStatistics(tables, [files[0]], columns));
  const second = await measureStatistics(tables, [files[1]], columns, first);
  const both = await measureStatistics(tables, files, columns, first);
  const merged = mergeStatistics(first, second);
  const left = subtractStatistics(merged, second);
  for (const name of ['x', 'code', 'at']) {
    expect(merged.columns[name]?.profile).toEqual(both.columns[name]?.profile);
    expect(left.columns[name]?.profile).toEqual(first.columns[name]?.profile);
  }
  for (const [found, wanted] of [
    [merged, both],
    [left, first],
  ] as const) {
    expect(found.columns['x']?.range?.mean).toBeCloseTo(wanted.columns['x']?.range?.mean ?? NaN, 9);
    expect(found.columns['x']?.range?.standardDeviation).toBeCloseTo(
      wanted.columns['x']?.range?.standardDeviation ?? NaN,
      9,
    );
  }
});

test('least and most are only bounds once rows that had them are taken away', async () => {
  const columns: readonly Column[] = [{ name: 'n', type: 'integer' }];
  const of = async (values: string) => {
    const path = await parquet(`bounds-${values.replaceAll(/\W/g, '-')}`, `SELECT unnest([${values}]) AS n`);
    return measureStatistics(tables, [path], columns);
  };
  const range = (whole: Awaited<ReturnType<typeof of>>, gone: typeof whole) =>
    subtractStatistics(whole, gone).columns['n']?.range;
  const whole = await of('-1116, 1, 2, 3');
  expect(range(whole, await of('2'))).toMatchObject({ min: -1116, max: 3, count: 3 });
  expect(range(whole, await of('2'))).not.toHaveProperty('bounds');
  const left = subtractStatistics(whole, await of('-1116'));
  expect(left.columns['n']?.range).toMatchObject({ min: -1116, max: 3, bounds: true, count: 3, mean: 2 });
  expect(mergeStatistics(await of('7'), left).columns['n']?.range).toMatchObject({ max: 7, bounds: true });
});

test('more columns than one statement takes are measured in batches', async () => {
  const names = Array.from({ length: 250 }, (_, place) => `c${place}`);
  const path = await parquet(
    'wide',
    `SELECT ${names.map((name, place) => `range + ${place} AS ${name}`).join(', ')} FROM range(3)`,
  );
  const columns = names.map((name): Column => ({ name, type: 'integer' }));
  const measured = await measureStatistics(tables, [path], columns);
  expect(Object.keys(measured.columns)).toHaveLength(250);
  expect(measured.columns['c249']?.range).toMatchObject({ min: 249, max: 251, count: 3 });
});
