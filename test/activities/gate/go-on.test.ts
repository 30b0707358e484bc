import { join } from 'node:path';
import { dataActivities } from '../../../activities/data/data-activities.ts';
import type { ValidationRequest } from '../../../activities/data/contract.ts';
import { between, drift, meanBetween, notNull, rowCount, rowFunction, volume } from '../../../domain/expect.ts';
import type { DataSchema, Expectation } from '../../../domain/expectation.ts';
import type { SnapshotReference } from '../../../domain/snapshot.ts';
import type { ValidationReport } from '../../../domain/validation-report.ts';
import { sliceFiles } from '../../../stores/slices.ts';
import { readHistory, resolveSnapshot } from '../../../stores/snapshots/history.ts';
import { readSnapshot } from '../../../stores/snapshots/manifest.ts';
import { readStatistics } from '../../../stores/snapshots/statistics.ts';
import { literal } from '../../../stores/tables.ts';
import { type DataBench, openDataBench } from '../data/data-bench.ts';

let bench: DataBench;
beforeEach(async () => {
  bench = await openDataBench();
});
afterEach(() => bench.close());

const positive = between('n', { min: 0 });

function schema(expectations: readonly Expectation[], more: Partial<DataSchema> = {}): DataSchema {
  return { dataset: 'things', expectations, ...more };
}

async function validated(
  snapshot: SnapshotReference,
  expectations: readonly Expectation[],
  more: Partial<DataSchema> & Pick<ValidationRequest, 'environment'> = {},
): Promise<ValidationReport> {
  const { environment, ...rest } = more;
  return bench.activities.validateData({
    snapshot,
    schema: schema(expectations, rest),
    ...(environment === undefined ? {} : { environment }),
  });
}

async function accepted(): Promise<string | undefined> {
  return (await readHistory(bench.store, 'things'))?.branches['accepted']?.digest;
}

async function rowsOf(snapshot: SnapshotReference): Promise<readonly unknown[]> {
  const files = await sliceFiles(
    { store: bench.store, cacheFolder: bench.cacheFolder },
    { snapshot, rows: snapshot.rows },
  );
  const rows = await bench.sql(`SELECT * FROM read_parquet([${files.map(literal).join(', ')}], union_by_name = true)`);
  return rows.map((row) => row['n']);
}

async function twoFiles(first: string, second: string): Promise<SnapshotReference> {
  const keys = [
    await bench.add('things', 'a.csv', { text: first }),
    await bench.add('things', 'b.csv', { text: second }),
  ];
  return bench.activities.createSnapshot({ dataset: 'things', from: keys });
}

test('what passes goes on as it is, and the branch accepted moves to it', async () => {
  const snapshot = await bench.snapshotOf('things', 'SELECT 1 AS n');
  expect(await validated(snapshot, [positive])).toMatchObject({ decision: 'pass', accepted: snapshot });
  expect(await accepted()).toBe(snapshot.digest);
});

test('what is blocked does not go on, and accepted stays where it was', async () => {
  const good = await bench.snapshotOf('things', 'SELECT 1 AS n');
  await validated(good, [positive]);
  const bad = await bench.snapshotOf('things', 'SELECT -1 AS n');
  expect(await validated(bad, [positive])).toMatchObject({ decision: 'block', accepted: null });
  expect(await accepted()).toBe(good.digest);
});

test('the clean rest goes on: files without bad rows stay pinned, the others lose only those rows', async () => {
  const snapshot = await twoFiles('n,t\n1,a\n-2,b\n3,c\n', 'n,t\n4,d\n');
  const report = await validated(snapshot, [positive, notNull('t')], { quarantineUpTo: 0.5 });
  expect(report).toMatchObject({ decision: 'quarantine', verdict: 'pass', badRows: 1 });
  const rest = report.accepted as SnapshotReference;
  const [before, after] = [await readSnapshot(bench.store, snapshot), await readSnapshot(bench.store, rest)];
  expect(after.files.filter(({ key }) => key.endsWith('b.csv'))).toEqual(
    before.files.filter(({ key }) => key.endsWith('b.csv')),
  );
  expect(after).toMatchObject({ dataset: 'things', rows: 3, columns: before.columns, deviations: [] });
  expect(new Set(await rowsOf(rest))).toEqual(new Set([1, 3, 4]));
  expect(await accepted()).toBe(rest.digest);
  expect((await resolveSnapshot(bench.store, 'things@accepted')).dataVersion).toBe('1.0.1');
  expect((await resolveSnapshot(bench.store, 'things@latest')).digest).toBe(snapshot.digest);
  expect((await readStatistics(bench.store, rest))?.rows).toBe(3);
});

test('a file of which every row is bad is left out', async () => {
  const snapshot = await twoFiles('n\n-1\n', 'n\n4\n5\n');
  const report = await validated(snapshot, [positive], { quarantineUpTo: 0.5 });
  expect((await readSnapshot(bench.store, report.accepted as SnapshotReference)).files.map(({ key }) => key)).toEqual([
    'data/things/b.csv',
  ]);
});

test('rows that only a warning marked go on, and are in quarantine to be looked at', async () => {
  const snapshot = await bench.snapshotOf('things', 'SELECT range - 1 AS n FROM range(10)');
  const warned = between('n', { max: 5, severity: 'warn' });
  const report = await validated(snapshot, [positive, warned], { quarantineUpTo: 0.5 });
  expect(report).toMatchObject({ decision: 'quarantine', badRows: 1, quarantine: { rows: 4 } });
  expect(await rowsOf(report.accepted as SnapshotReference)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('the bad rows are a snapshot of their own dataset, each with its file, row and codes', async () => {
  const snapshot = await twoFiles('n\n1\n', 'n\n4\n-5\n');
  const { quarantine } = await validated(snapshot, [positive]);
  expect(quarantine?.snapshot).toMatchObject({ dataset: 'things.quarantine', rows: 1 });
  const found = await resolveSnapshot(bench.store, 'things.quarantine@latest');
  expect(found.digest).toBe(quarantine?.snapshot.digest);
  const [path = ''] = await sliceFiles(
    { store: bench.store, cacheFolder: bench.cacheFolder },
    { snapshot: found, rows: 1 },
  );
  expect(await bench.sql(`SELECT _key, _row, _codes[1] AS code, n FROM read_parquet(${literal(path)})`)).toEqual([
    { _key: 'data/things/b.csv', _row: 2, code: 'INT_TYPE_SMALL_INT:n', n: -5 },
  ]);
});

test('a check that is repeated gives the same report, adds no object and moves nothing', async () => {
  const snapshot = await twoFiles('n\n1\n-2\n', 'n\n4\n');
  const first = await validated(snapshot, [positive], { quarantineUpTo: 0.5 });
  const keys = await objects();
  const history = await readHistory(bench.store, 'things');
  expect(await validated(snapshot, [positive], { quarantineUpTo: 0.5 })).toEqual(first);
  expect(await objects()).toEqual(keys);
  expect(await readHistory(bench.store, 'things')).toEqual(history);
});

test('the report lies in the bucket as a page and as JSON', async () => {
  const snapshot = await bench.snapshotOf('things', 'SELECT -1 AS n');
  const report = await validated(snapshot, [positive]);
  const { page } = report;
  expect(page?.key).toMatch(/^validations\/things\/[0-9a-f]{64}\.html$/);
  const html = await bench.store.read(page?.key ?? '');
  expect(new TextDecoder().decode(html.bytes)).toContain('INT_TYPE_SMALL_INT');
  const json = await bench.store.read(page?.key.replace('.html', '.json') ?? '');
  expect(JSON.parse(new TextDecoder().decode(json.bytes))).toEqual(report);
});

test('of more than a thousand violations those that block go back first; the JSON has all', async () => {
  const names = Array.from({ length: 1_001 }, (_, index) => `c${index}`);
  const snapshot = await bench.snapshotOf('things', `SELECT ${names.map((name) => `1 AS ${name}`).join(', ')}`);
  const asked = names.map((name) => meanBetween(name, { max: 0, severity: name === 'c1000' ? 'block' : 'warn' }));
  const { violations, page } = await validated(snapshot, asked);
  expect([violations.length, violations[0]?.column]).toEqual([1_000, 'c1000']);
  const { bytes } = await bench.store.read(page?.key.replace('.html', '.json') ?? '');
  expect((JSON.parse(new TextDecoder().decode(bytes)) as ValidationReport).violations).toHaveLength(1_001);
});

test('previous is what was accepted before: a broken batch is no reference for the next one', async () => {
  const asked = [volume({ min: 0.5, max: 2 }), drift('n', { statistic: 'psi', atMost: 0.1, against: 'previous' })];
  const first = await bench.snapshotOf('things', 'SELECT range % 100 AS n FROM range(2000)');
  expect((await validated(first, asked)).violations.map(({ code }) => code)).toEqual([
    'COMPARATOR_CONTROL_DATA_MISSING',
    'COMPARATOR_CONTROL_DATA_MISSING',
  ]);
  expect(
    (
      await validated(
        first,
        asked.map((one) => ({ ...one, severity: 'warn' as const })),
      )
    ).decision,
  ).toBe('warn');
  const broken = await bench.snapshotOf('things', 'SELECT range % 100 + 60 AS n FROM range(2000)');
  const stopped = await validated(broken, asked);
  expect(stopped.violations.map(({ code }) => code)).toEqual(['COMPARATOR_PSI_HIGH']);
  expect(stopped.distributions).toMatchObject([
    { column: 'n', drifted: true, against: `previous (things@${first.digest.slice(0, 12)})` },
  ]);
  const next = await bench.snapshotOf('things', 'SELECT range % 100 AS n FROM range(2001)');
  expect((await validated(next, asked)).decision).toBe('pass');
  expect(await accepted()).toBe(next.digest);
});

test('a snapshot that is looked at again meets the reference of its first acceptance, and is not the newest again', async () => {
  const asked = [volume({ max: 2 })];
  const ofRows = (rows: number) => bench.snapshotOf('things', `SELECT range AS n FROM range(${rows})`);
  const [one, three, four] = [await ofRows(1), await ofRows(3), await ofRows(4)];
  await validated(one, [positive]);
  const first = await validated(three, [volume({ max: 3 })]);
  expect(first.decision).toBe('pass');
  await validated(four, asked);
  expect(await accepted()).toBe(four.digest);
  expect((await validated(three, asked)).decision).toBe('block');
  expect((await validated(three, [volume({ max: 3.5 })])).decision).toBe('pass');
  expect(await accepted()).toBe(four.digest);
});

test('a named snapshot is a reference by branch, and one that does not exist is a lack', async () => {
  const snapshot = await bench.snapshotOf('things', 'SELECT range % 100 AS n FROM range(2000)');
  const against = (name: string) => drift('n', { statistic: 'ks', atMost: 0.1, against: { snapshot: name } });
  expect((await validated(snapshot, [against('latest')])).distributions).toMatchObject([
    { against: 'things@latest', value: 0 },
  ]);
  expect((await validated(snapshot, [against('golden')])).violations).toMatchObject([
    { code: 'COMPARATOR_CONTROL_DATA_MISSING', observed: 'there is no reference (golden)' },
  ]);
});

test('skew: what an endpoint was asked is a reference, its records read as rows of the dataset', async () => {
  const log = await bench.parquet(
    'log.parquet',
    `SELECT 'r' || range AS "requestId", TIMESTAMP '2001-07-01 23:00:00' AS "at", false AS shadow, 'champion' AS arm,
       '{"n":' || (range % 50) || '}' AS record FROM range(2000)
     UNION ALL SELECT 'd' || range, TIMESTAMP '2001-07-01 23:00:00', false, 'direct', '{"n":900}' FROM range(2000)
     UNION ALL SELECT 't' || range, TIMESTAMP '2001-07-01 23:00:00', false, 'champion', 'null' FROM range(2000)`,
  );
  await bench.store.write('inference/late/dt=2001-07-01/hr=23/a-1.parquet', { file: log });
  const asked = drift('n', { statistic: 'psi', atMost: 0.1, against: { endpoint: 'late', since: '6 hours' } });
  const alike = await bench.snapshotOf('things', 'SELECT range % 50 AS n FROM range(2000)');
  const skewed = await bench.snapshotOf('skewed', 'SELECT range % 100 AS n FROM range(2000)');
  expect((await validated(alike, [asked])).decision).toBe('pass');
  const report = await bench.activities.validateData({
    snapshot: skewed,
    schema: { dataset: 'skewed', expectations: [asked] },
  });
  expect(report.violations).toMatchObject([{ code: 'COMPARATOR_PSI_HIGH' }]);
  expect(report.distributions[0]?.against).toBe('requests to late of the last 6 hours');
});

test('the environment is part of the question', async () => {
  const snapshot = await bench.snapshotOf('things', 'SELECT 1 AS n');
  const label = notNull('label', { environments: ['training'] });
  expect(await validated(snapshot, [positive, label])).toMatchObject({ decision: 'block', environment: 'training' });
  expect(await validated(snapshot, [positive, label], { environment: 'serving' })).toMatchObject({
    decision: 'pass',
    environment: 'serving',
    expectations: 1,
  });
});

test('row functions are asked of the pipeline by name, and their code is part of the quarantine’s key', async () => {
  const asked: string[] = [];
  const withChecks = (sha256: string) =>
    dataActivities({
      store: bench.store,
      cacheFolder: join(bench.folder, 'cache'),
      heartbeat: () => undefined,
      now: () => '2001-07-02T00:00:00.000Z',
      who: () => 'a test',
      rowChecks: async (pipeline) => {
        asked.push(pipeline);
        return { sha256, checks: { even: (row) => Number(row['n']) % 2 === 0 } };
      },
    });
  const snapshot = await bench.snapshotOf('things', 'SELECT range AS n FROM range(3)');
  const request = { snapshot, schema: schema([rowFunction('even', { columns: ['n'] })]), pipeline: 'things' };
  const one = await withChecks('aa').validateData(request);
  const other = await withChecks('bb').validateData(request);
  expect(asked).toEqual(['things', 'things']);
  expect(one).toMatchObject({ badRows: 1, violations: [{ code: 'ROW_FUNCTION_NOT_MET', samples: [{ row: 2 }] }] });
  expect(other.quarantine?.key).not.toBe(one.quarantine?.key);
});

test('a mean that is wrong only because of bad rows blocks as well', async () => {
  const snapshot = await bench.snapshotOf(
    'things',
    'SELECT CASE WHEN range = 0 THEN -1e9 ELSE 1 END AS n FROM range(10)',
  );
  const asked = [positive, meanBetween('n', { min: 0 }), rowCount({ min: 1 })];
  expect((await validated(snapshot, asked, { quarantineUpTo: 0.5 })).decision).toBe('block');
});

async function objects(): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of bench.store.list('')) keys.push(`${key} ${(await bench.store.versions(key)).length}`);
  return keys;
}
