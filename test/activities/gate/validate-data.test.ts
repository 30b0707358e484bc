import {
  between,
  matches,
  meanBetween,
  notNull,
  oneOf,
  quantileBetween,
  rowCount,
  type,
} from '../../../domain/expect.ts';
import type { Expectation } from '../../../domain/expectation.ts';
import type { ValidationReport } from '../../../domain/validation-report.ts';
import { type DataBench, openDataBench } from '../data/data-bench.ts';

let bench: DataBench;
beforeAll(async () => {
  bench = await openDataBench();
});
afterAll(() => bench.close());

async function check(select: string, ...expectations: readonly Expectation[]): Promise<ValidationReport> {
  const snapshot = await bench.snapshotOf('things', select);
  return bench.activities.validateData({ snapshot, schema: { dataset: 'things', expectations } });
}

async function codes(select: string, ...expectations: readonly Expectation[]): Promise<readonly string[]> {
  const { violations } = await check(select, ...expectations);
  return violations.map(({ code, column, count }) => `${code} ${column} ${count}`);
}

test('without an expectation, and without a row, the verdict is inconclusive', async () => {
  expect((await check('SELECT 1 AS n')).verdict).toBe('inconclusive');
  expect((await check('SELECT 1 AS n WHERE false', notNull('n'), meanBetween('n', { min: 0 }))).verdict).toBe(
    'inconclusive',
  );
});

test('a violation of severity warn is recorded and passes', async () => {
  const report = await check('SELECT -1 AS n', between('n', { min: 0, severity: 'warn' }));
  expect(report).toMatchObject({ verdict: 'pass', violations: [{ severity: 'warn', count: 1 }] });
  expect(report.quarantine?.rows).toBe(1);
});

test('a column that no file has is missing once, however many expectations name it', async () => {
  expect(await codes('SELECT 1 AS n', notNull('m'), between('m', { min: 0 }), oneOf('m', ['a']))).toEqual([
    'SCHEMA_MISSING_COLUMN m 1',
  ]);
});

test('rows of a file that lacks a column are not marked, those of the others are', async () => {
  const keys = [
    await bench.add('mixed', 'a.csv', { text: 'n,code\n1,\n2,LAX\n' }),
    await bench.add('mixed', 'b.csv', { text: 'n\n3\n4\n' }),
  ];
  const snapshot = await bench.activities.createSnapshot({ dataset: 'mixed', from: keys });
  const report = await bench.activities.validateData({
    snapshot,
    schema: { dataset: 'mixed', expectations: [notNull('code'), notNull('n')] },
  });
  expect(report.violations).toMatchObject([
    { code: 'SCHEMA_MISSING_COLUMN', column: 'code', count: 1 },
    { code: 'FEATURE_TYPE_LOW_FRACTION_PRESENT', column: 'code', count: 1, samples: [{ key: keys[0], row: 1 }] },
  ]);
  expect(report.quarantine?.rows).toBe(1);
});

test('NaN is missing: notNull marks it, bounds, quantiles and means leave it out', async () => {
  const select = "SELECT * FROM (VALUES (1.0::DOUBLE), (3.0), ('NaN'::DOUBLE)) t(x)";
  const inRange = [between('x', { max: 5 }), quantileBetween('x', 1, { max: 3 }), meanBetween('x', { min: 2, max: 2 })];
  expect(await codes(select, ...inRange)).toEqual([]);
  const { violations } = await check(select, notNull('x'));
  expect(violations).toMatchObject([{ code: 'FEATURE_TYPE_LOW_FRACTION_PRESENT', count: 1 }]);
  expect(violations[0]?.samples[0]?.values['x']).toBe('NaN');
});

test('infinity is a number beyond any bound', async () => {
  const select = "SELECT * FROM (VALUES (1.0::DOUBLE), ('inf'::DOUBLE), ('-inf'::DOUBLE)) t(x)";
  expect(await codes(select, between('x', { min: 0, max: 10 }))).toEqual([
    'FLOAT_TYPE_SMALL_FLOAT x 1',
    'FLOAT_TYPE_BIG_FLOAT x 1',
  ]);
});

test('bounds are inclusive', async () => {
  expect(await codes('SELECT range AS n FROM range(5)', between('n', { min: 0, max: 4 }))).toEqual([]);
  expect(await codes('SELECT range AS n FROM range(5)', between('n', { min: 1, max: 3 }))).toEqual([
    'INT_TYPE_SMALL_INT n 1',
    'INT_TYPE_BIG_INT n 1',
  ]);
});

test('text where a number is wanted: the type is named, and the values that are none are shown', async () => {
  const report = await check("SELECT * FROM (VALUES ('1'), ('2'), ('n/a'), (NULL)) t(x)", type('x', 'integer'));
  expect(report.violations).toMatchObject([
    { code: 'UNEXPECTED_DATA_TYPE', count: 1, samples: [{ row: 3, values: { x: 'n/a' } }] },
  ]);
  expect(report.quarantine?.rows).toBe(1);
});

test('bounds on a column that holds no numbers are broken, not passed over', async () => {
  expect(
    await codes(
      "SELECT true AS ok, DATE '2001-01-01' AS day",
      between('ok', { min: 0 }),
      meanBetween('day', { min: 0 }),
    ),
  ).toEqual(['UNEXPECTED_DATA_TYPE ok 1', 'UNEXPECTED_DATA_TYPE day 1']);
});

test('an integer serves as a number, a number does not serve as an integer', async () => {
  expect(await codes('SELECT 1 AS n, 1.5 AS x', type('n', 'number'), type('x', 'integer'))).toEqual([
    'UNEXPECTED_DATA_TYPE x 1',
  ]);
});

test('a pattern holds for the whole value', async () => {
  const report = await check(
    "SELECT * FROM (VALUES ('LAX'), ('LAXX'), ('lax'), (NULL)) t(code)",
    matches('code', '[A-Z]{3}'),
  );
  expect(report.violations).toMatchObject([{ code: 'PATTERN_MISMATCH', count: 2, observed: "'LAXX' (1), 'lax' (1)" }]);
});

test('the most frequent unexpected values come first', async () => {
  const { violations } = await check(
    "SELECT CASE WHEN range < 3 THEN 'b''s' WHEN range < 5 THEN 'a' ELSE 'ok' END AS code FROM range(9)",
    oneOf('code', ['ok', "it's"]),
  );
  expect(violations).toMatchObject([{ count: 5, observed: "'b's' (3), 'a' (2)" }]);
});

test('too few and too many rows have their own names', async () => {
  const select = 'SELECT range AS n FROM range(10)';
  expect(await codes(select, rowCount({ min: 11 }))).toEqual(['DATASET_LOW_NUM_EXAMPLES null 1']);
  expect(await codes(select, rowCount({ max: 9 }))).toEqual(['DATASET_HIGH_NUM_EXAMPLES null 1']);
  expect(await codes(select, rowCount({ min: 10, max: 10 }))).toEqual([]);
});

test('a mean of no value is out of range', async () => {
  const { violations } = await check('SELECT NULL::DOUBLE AS x', meanBetween('x', { min: 0 }));
  expect(violations).toMatchObject([{ code: 'MEAN_OUT_OF_RANGE', observed: 'no value' }]);
});

test('one row with several faults is one row in quarantine, with every code', async () => {
  const report = await check('SELECT -1 AS n, NULL::VARCHAR AS code', between('n', { min: 0 }), notNull('code'));
  expect(report.violations.map((violation) => violation.count)).toEqual([1, 1]);
  expect(report.quarantine?.rows).toBe(1);
});

test('two files with the same bytes are told apart', async () => {
  const keys = [
    await bench.add('twins', 'a.csv', { text: 'n\n-1\n' }),
    await bench.add('twins', 'b.csv', { text: 'n\n-1\n' }),
  ];
  const snapshot = await bench.activities.createSnapshot({ dataset: 'twins', from: keys });
  const schema = { dataset: 'twins', expectations: [between('n', { min: 0 })] };
  const { violations } = await bench.activities.validateData({ snapshot, schema });
  expect(violations[0]?.samples.map((sample) => sample.key)).toEqual(keys);
});

test('with 200 broken expectations on long texts the report stays below the 2 MB that Temporal carries', async () => {
  const columns = Array.from({ length: 200 }, (_, index) => `c${index}`);
  const text = columns.map((column) => `repeat('水', 500) || range AS ${column}`).join(', ');
  const { violations } = await check(
    `SELECT ${text} FROM range(10)`,
    ...columns.map((column) => matches(column, '[a-z]')),
  );
  expect(violations.map(({ samples }) => samples.length)).toEqual(columns.map((_, index) => (index < 60 ? 1 : 0)));
  expect(Buffer.byteLength(JSON.stringify(violations))).toBeLessThan(1_500_000);
});

test('few violations show five rows each, more of them share sixty', async () => {
  const report = async (broken: number) => {
    const columns = Array.from({ length: broken }, (_, index) => `c${index}`);
    const { violations } = await check(
      `SELECT ${columns.map((column) => `-1 AS ${column}`).join(', ')} FROM range(10)`,
      ...columns.map((column) => between(column, { min: 0 })),
      meanBetween('c0', { min: 0 }),
    );
    return new Set(violations.slice(0, -1).map(({ samples }) => samples.length));
  };
  expect([...(await report(12))]).toEqual([5]);
  expect([...(await report(25))]).toEqual([2]);
});

test('expectations that no data could answer are refused all at once', async () => {
  const unsound = [
    between('n', {}),
    quantileBetween('n', 1.5, { min: 0 }),
    oneOf('n', []),
    matches('n', '('),
    rowCount({ min: 2, max: 1 }),
  ];
  const anything = unsound.map((): unknown => expect.any(String));
  await expect(check('SELECT 1 AS n', ...unsound)).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    details: { problems: anything },
  });
});

test('a schema for another dataset is refused', async () => {
  const snapshot = await bench.snapshotOf('things', 'SELECT 1 AS n');
  const schema = { dataset: 'others', expectations: [notNull('n')] };
  await expect(bench.activities.validateData({ snapshot, schema })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});
