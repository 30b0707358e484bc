import {
  between,
  condition,
  drift,
  fresh,
  matches,
  meanBetween,
  monotonic,
  notNull,
  onlyColumns,
  quantileBetween,
  references,
  rowCount,
  sumBetween,
  type,
  unique,
  volume,
} from '../../../domain/expect.ts';
import { type GateBench, openGateBench } from './gate-bench.ts';

let bench: GateBench;
beforeAll(async () => {
  bench = await openGateBench();
});
afterAll(() => bench.close());

const three = 'SELECT * FROM (VALUES (1, 10), (2, 20), (3, 5)) t(a, b)';

describe('conditions', () => {
  test('a row for which the SQL is false is bad, one for which it is null is not', async () => {
    const select = 'SELECT * FROM (VALUES (1, 2), (3, 2), (NULL, 2)) t(a, b)';
    const { violations, badRows, decision } = await bench.check(select, [condition('a below b', 'a < b')]);
    expect(violations).toMatchObject([
      { code: 'CONDITION_NOT_MET', column: null, count: 1, observed: 'not so in 1 of 3 rows', samples: [{ row: 2 }] },
    ]);
    expect([badRows, decision]).toEqual([1, 'block']);
  });

  test('a comment in the SQL does not swallow what stands behind it', async () => {
    expect(await bench.codes(three, [condition('commented', 'a > 0 -- positive')])).toEqual([]);
  });

  test('a condition on a column that the data lacks is a missing column', async () => {
    expect(await bench.codes(three, [condition('c', 'c > 0')])).toEqual(['SCHEMA_MISSING_COLUMN c 1']);
  });

  test.each([
    ['a > 0), (b > 0', /more than one expression/],
    ['a +', /no SQL expression/],
    ['sum(a) > 3', /no SQL expression/],
    ['a + b', /gives INTEGER, not true or false/],
    ["CAST('x' || a AS INTEGER) > 0", /cannot be computed for every row/],
  ])('%p is refused', async (sql, message) => {
    await expect(bench.check(three, [condition('odd', sql)])).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(message) as unknown,
    });
  });
});

describe('the table as a whole', () => {
  test('columns that no one expects are named, each with the files that have it', async () => {
    const files = ['SELECT 1 AS a, 2 AS b', 'SELECT 1 AS a, 2 AS b, 3 AS c'];
    expect(await bench.codes(files, [onlyColumns(['a', 'b'])])).toEqual(['SCHEMA_NEW_COLUMN c 1']);
  });

  test('columns in another order are named where the order is asked for, one that is missing puts nothing out of order', async () => {
    const files = ['SELECT 1 AS b, 2 AS a', 'SELECT 1 AS a'];
    expect(await bench.codes(files, [onlyColumns(['a', 'b'])])).toEqual([]);
    expect(await bench.codes(files, [onlyColumns(['a', 'b'], { ordered: true })])).toEqual([
      'COLUMN_NOT_ORDERED null 1',
    ]);
  });

  test('the volume is a ratio to the rows before; without any before the lack is named', async () => {
    expect(await bench.codes(three, [volume({ min: 0.5, max: 2 })], { previousRows: 3 })).toEqual([]);
    expect(await bench.codes(three, [volume({ min: 0.5 })], { previousRows: 7 })).toEqual([
      'COMPARATOR_LOW_NUM_EXAMPLES null 1',
    ]);
    expect(await bench.codes(three, [volume({ max: 2 })], { previousRows: 1 })).toEqual([
      'COMPARATOR_HIGH_NUM_EXAMPLES null 1',
    ]);
    expect(await bench.codes(three, [volume({ min: 0.5 })])).toEqual(['COMPARATOR_CONTROL_DATA_MISSING null 1']);
  });

  test('rows that are alike are counted beyond the first, and rows with a null are left out', async () => {
    const select = "SELECT * FROM (VALUES (1, 'x'), (1, 'x'), (1, 'x'), (1, 'y'), (NULL, 'x'), (NULL, 'x')) t(a, b)";
    const { violations } = await bench.check(select, [unique(['a', 'b'])]);
    expect(violations).toMatchObject([{ code: 'DUPLICATES', column: null, count: 2 }]);
    expect(violations[0]?.samples.map(({ row }) => row)).toEqual([1, 2, 3]);
    expect(await bench.codes(select, [unique(['b'])])).toEqual(['DUPLICATES b 4']);
  });

  test('rows that are alike are found across files', async () => {
    expect(await bench.codes(['SELECT 1 AS a', 'SELECT 1 AS a'], [unique(['a'])])).toEqual(['DUPLICATES a 1']);
  });
});

describe('a column as a whole', () => {
  test('a sum of integers is exact beyond what a double holds', async () => {
    const select = 'SELECT * FROM (VALUES (9007199254740992), (1), (1)) t(a)';
    expect(await bench.codes(select, [sumBetween('a', { min: 9007199254740994 })])).toEqual([]);
    expect(await bench.codes(select, [sumBetween('a', { max: 9007199254740992 })])).toEqual(['SUM_OUT_OF_RANGE a 1']);
  });

  test('data is fresh by its newest time, to the millisecond', async () => {
    const select = "SELECT TIMESTAMP '2001-07-01 12:00:00' AS t UNION ALL SELECT NULL";
    expect(await bench.codes(select, [fresh('t', '12 hours')])).toEqual([]);
    const { violations } = await bench.check(select, [fresh('t', '11 hours')]);
    expect(violations).toMatchObject([{ code: 'NOT_FRESH', observed: '2001-07-01T12:00:00.000Z' }]);
  });

  test('without any time nothing is fresh', async () => {
    const { violations } = await bench.check('SELECT NULL::TIMESTAMP AS t', [fresh('t', '1 day')]);
    expect(violations).toMatchObject([{ code: 'NOT_FRESH', observed: 'no value' }]);
  });

  test('a timestamp without a zone is named where one is asked for', async () => {
    const [plain, zoned] = ["SELECT TIMESTAMP '2001-01-01' AS t", "SELECT TIMESTAMPTZ '2001-01-01' AS t"];
    expect(await bench.codes(plain, [type('t', 'timestamp', { zoned: true })])).toEqual(['TIMESTAMP_WITHOUT_ZONE t 1']);
    expect(await bench.codes(zoned, [type('t', 'timestamp', { zoned: true })])).toEqual([]);
    expect(await bench.codes(plain, [type('t', 'timestamp')])).toEqual([]);
  });
});

describe('order', () => {
  test('a value below the one before it is named with its row, also over the border of two files, rows without one left out', async () => {
    const files = ['SELECT * FROM (VALUES (1), (3), (NULL), (2)) t(a)', 'SELECT * FROM (VALUES (1), (1), (9)) t(a)'];
    const { violations } = await bench.check(files, [monotonic('a', { direction: 'increasing' })]);
    expect(violations).toMatchObject([{ code: 'NOT_MONOTONIC', column: 'a', count: 2 }]);
    expect(violations[0]?.samples.map(({ key, row }) => `${key} ${row}`)).toEqual(['0.parquet 4', '1.parquet 1']);
  });

  test('strictly: a value may not repeat; decreasing: none may be above the one before', async () => {
    const select = 'SELECT * FROM (VALUES (3), (3), (1)) t(a)';
    expect(await bench.codes(select, [monotonic('a', { direction: 'decreasing' })])).toEqual([]);
    expect(await bench.codes(select, [monotonic('a', { direction: 'decreasing', strict: true })])).toEqual([
      'NOT_MONOTONIC a 1',
    ]);
  });

  test('within each value of another column', async () => {
    const select = "SELECT * FROM (VALUES ('x', 5), ('y', 1), ('x', 6), ('y', 2), ('x', 4)) t(g, a)";
    expect(await bench.codes(select, [monotonic('a', { direction: 'increasing', by: 'g' })])).toEqual([
      'NOT_MONOTONIC a 1',
    ]);
  });

  test('rows in 300,000 are compared in the order in which they stand, as a window with an order does', async () => {
    const select = 'SELECT (range * 7919) % 1000 AS a FROM range(300000)';
    const path = await bench.parquet('own.parquet', select);
    const [own] = await bench.sql(
      `SELECT count_if(a < before) AS n FROM (SELECT a, lag(a) OVER (ORDER BY file_row_number) AS before FROM read_parquet('${path}'))`,
    );
    expect(await bench.codes(select, [monotonic('a', { direction: 'increasing' })])).toEqual([
      `NOT_MONOTONIC a ${Number(own?.['n'])}`,
    ]);
  });
});

describe('values of another column', () => {
  test('a mean, a sum, a quantile and a count are held within each of them, rows without one are a group too', async () => {
    const select = "SELECT * FROM (VALUES ('x', 1), ('x', 3), ('y', 10), (NULL, 100)) t(g, a)";
    const { violations } = await bench.check(select, [
      meanBetween('a', { max: 10, per: 'g' }),
      sumBetween('a', { min: 10, per: 'g' }),
      quantileBetween('a', 1, { max: 3, per: 'g' }),
      rowCount({ min: 2, per: 'g' }),
    ]);
    expect(violations.map(({ code, count, observed }) => `${code} ${count}: ${observed}`)).toEqual([
      'MEAN_OUT_OF_RANGE 1: no value has 100',
      "SUM_OUT_OF_RANGE 1: 'x' has 4",
      "QUANTILE_OUT_OF_RANGE 2: 'y' has 10, no value has 100",
      "DATASET_LOW_NUM_EXAMPLES 2: 'y' has 1, no value has 1",
    ]);
  });

  test('of many broken groups five are shown', async () => {
    const { violations } = await bench.check('SELECT range AS g FROM range(100)', [rowCount({ min: 2, per: 'g' })]);
    expect(violations).toMatchObject([{ count: 100, observed: expect.stringMatching(/ and 95 more$/) as unknown }]);
  });
});

describe('references', () => {
  test('values that are in no row of the other snapshot are named, the most frequent first', async () => {
    const airports = await bench.parquet('airports.parquet', "SELECT * FROM (VALUES ('LAX'), ('SFO')) t(iata)");
    const select = "SELECT * FROM (VALUES ('LAX'), ('QQQ'), ('ZZZ'), ('ZZZ'), (NULL)) t(origin)";
    const asked = references('origin', { in: 'airports@latest', to: 'iata' });
    const { violations } = await bench.check(select, [asked], { referenceFiles: async () => [airports] });
    expect(violations).toMatchObject([
      { code: 'UNKNOWN_REFERENCE', column: 'origin', count: 3, observed: "'ZZZ' (2), 'QQQ' (1)" },
    ]);
    expect(violations[0]?.samples.map(({ row }) => row)).toEqual([2, 3, 4]);
  });

  test('numbers are looked up as numbers whatever their width, text and numbers as text', async () => {
    const known = await bench.parquet('known.parquet', "SELECT 1.0::DOUBLE AS n, '1' AS s");
    const options = { referenceFiles: async () => [known] };
    expect(await bench.codes('SELECT 1::SMALLINT AS a', [references('a', { in: 'k', to: 'n' })], options)).toEqual([]);
    expect(await bench.codes('SELECT 1::SMALLINT AS a', [references('a', { in: 'k', to: 's' })], options)).toEqual([]);
  });

  test('a snapshot that does not exist is a lack, a column that it has not is a fault of the schema', async () => {
    const asked = [references('a', { in: 'k@latest', to: 'n' })];
    expect(await bench.codes('SELECT 1 AS a', asked)).toEqual(['COMPARATOR_CONTROL_DATA_MISSING a 1']);
    const known = await bench.parquet('other.parquet', 'SELECT 1 AS m');
    await expect(bench.check('SELECT 1 AS a', asked, { referenceFiles: async () => [known] })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    });
  });
});

test('names with quotes, spaces, SQL and other scripts are names everywhere', async () => {
  const odd = `x"; DROP TABLE t; -- '水`;
  const column = `"${odd.replaceAll('"', '""')}"`;
  const { violations } = await bench.check(`SELECT 1 AS ${column} UNION ALL SELECT -1`, [
    between(odd, { min: 0 }),
    matches(odd, "1'; DROP TABLE t; --|1|-1"),
    unique([odd]),
    monotonic(odd, { direction: 'increasing' }),
    meanBetween(odd, { min: 5, per: odd }),
  ]);
  expect(violations.map(({ code, column: of }) => `${code} ${of}`)).toEqual([
    `INT_TYPE_SMALL_INT ${odd}`,
    `MEAN_OUT_OF_RANGE ${odd}`,
    `NOT_MONOTONIC ${odd}`,
  ]);
});

test('a column that would hide a row’s place is refused', async () => {
  await expect(bench.check('SELECT 1 AS _row', [notNull('_row')])).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});

test('a statistic of order over a column that the schema says is text is refused, one without order is not', async () => {
  const of = (statistic: 'ks' | 'wasserstein' | 'psi') => drift('s', { statistic, atMost: 0.1, against: 'previous' });
  const asked = bench.check("SELECT 'a' AS s", [type('s', 'string'), of('ks'), of('wasserstein'), of('psi')]);
  await expect(asked).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    details: {
      problems: [expect.stringMatching(/^drift of s: ks needs/), expect.stringContaining('wasserstein needs')],
    },
  });
});

test('expectations of all kinds that no data could answer are refused all at once', async () => {
  const unsound = [
    volume({}),
    sumBetween('n', { min: 2, max: 1 }),
    onlyColumns([]),
    unique([]),
    fresh('t', '3 moons' as '3 days'),
  ];
  const anything = [...unsound, 'quarantineUpTo'].map((): unknown => expect.any(String));
  await expect(bench.check(three, unsound, { schema: { quarantineUpTo: 1 } })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    details: { problems: anything },
  });
});
