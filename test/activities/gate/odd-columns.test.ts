import { fresh, between, condition, meanBetween, notNull, oneOf, sumBetween, unique } from '../../../domain/expect.ts';
import { type GateBench, openGateBench } from './gate-bench.ts';

let bench: GateBench;
beforeAll(async () => {
  bench = await openGateBench();
});
afterAll(() => bench.close());

test.each(['n', 'rows', 'value', 'surplus', 'event', 'COLUMNS(*)', '__proto__'])(
  'repeated values of a column that is called %p are found',
  async (name) => {
    const select = `SELECT unnest([-3, 7, 7, 7]) AS "${name}"`;
    expect(await bench.codes(select, [unique([name])])).toEqual([`DUPLICATES ${name} 2`]);
    const text = `SELECT unnest(['x', 'y', 'y']) AS "${name}"`;
    expect(await bench.codes(text, [unique([name])])).toEqual([`DUPLICATES ${name} 1`]);
  },
);

test('one row of the year 2999 does not make old data fresh', async () => {
  const select = "SELECT TIMESTAMP '1999-01-01' AS t UNION ALL SELECT TIMESTAMP '2999-01-01'";
  const { violations } = await bench.check(select, [fresh('t', '1 day')]);
  expect(violations).toMatchObject([{ code: 'NOT_FRESH', observed: '1999-01-01T00:00:00.000Z' }]);
});

test('a column whose name a helper of the gate could have is refused by name', async () => {
  const select = `SELECT 1 AS v, 5 AS "Perdura check 0"`;
  await expect(bench.check(select, [notNull('v'), condition('small', 'v < 0')])).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(/'perdura check 0'.*reserved/) as unknown,
  });
});

describe('infinities of both signs', () => {
  const select = `SELECT unnest([CAST('inf' AS DOUBLE), CAST('-inf' AS DOUBLE), 1]) AS v, 'a' AS g`;

  test('a mean and a sum that are no number break their bounds', async () => {
    const codes = await bench.codes(select, [meanBetween('v', { min: 0, max: 1 }), sumBetween('v', { min: 0 })]);
    expect(codes).toEqual(['MEAN_OUT_OF_RANGE v 1', 'SUM_OUT_OF_RANGE v 1']);
  });

  test('in a group too, whichever bound is given', async () => {
    const codes = async (range: object) => bench.codes(select, [meanBetween('v', { ...range, per: 'g' })]);
    expect(await codes({ min: 0 })).toEqual(['MEAN_OUT_OF_RANGE v 1']);
    expect(await codes({ max: 0 })).toEqual(['MEAN_OUT_OF_RANGE v 1']);
  });
});

test.each(["TIMESTAMP 'infinity'", "DATE '-infinity'", "TIMESTAMP '290000-01-01'", "DATE '999999-01-01'"])(
  'a bad row with the time %s, which no Date holds, is shown',
  async (time) => {
    const { violations } = await bench.check(`SELECT 50 AS v, ${time} AS t, ${time} AS u`, [
      between('v', { max: 10 }),
      oneOf('u', ['never']),
      unique(['t']),
    ]);
    expect(violations).toMatchObject([
      { code: 'INT_TYPE_BIG_INT', samples: [{ values: { v: 50, t: expect.any(String) as unknown } }] },
      { code: 'ENUM_TYPE_UNEXPECTED_STRING_VALUES', count: 1 },
    ]);
  },
);

test('a value with a NUL in a list is looked up as it is', async () => {
  const select = `SELECT unnest(['a' || chr(0), 'b']) AS v`;
  expect(await bench.codes(select, [oneOf('v', ['a\0'])])).toEqual(['ENUM_TYPE_UNEXPECTED_STRING_VALUES v 1']);
});

test('a condition that looks at other rows is refused as one', async () => {
  const asked = bench.check('SELECT 1 AS v', [condition('rising', 'v > lag(v) OVER ()')]);
  await expect(asked).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(/'rising'.*no SQL expression over a row.*window/) as unknown,
  });
});
