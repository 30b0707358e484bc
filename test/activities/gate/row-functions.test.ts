import { rowFunction } from '../../../domain/expect.ts';
import type { CheckedRow } from '../../../domain/row-checks.ts';
import { type GateBench, openGateBench } from './gate-bench.ts';

let bench: GateBench;
beforeAll(async () => {
  bench = await openGateBench();
});
afterAll(() => bench.close());

const select = `SELECT * FROM (VALUES (1, 'x', TIMESTAMP '2001-01-01'), (2, NULL, NULL)) t(n, s, "at")`;

test('a row for which a function says false is bad, and goes to the bad rows with the name of the function', async () => {
  const seen: CheckedRow[] = [];
  const rowChecks = {
    known: (row: CheckedRow) => {
      seen.push(row);
      return row['s'] !== null;
    },
  };
  const asked = [rowFunction('known', { columns: ['n', 's', 'at'] })];
  const { violations, badRows } = await bench.check(select, asked, { rowChecks });
  expect(seen).toEqual([
    { n: 1, s: 'x', at: 978_307_200_000 },
    { n: 2, s: null, at: null },
  ]);
  expect(violations).toMatchObject([{ code: 'ROW_FUNCTION_NOT_MET', count: 1, samples: [{ row: 2 }] }]);
  expect(badRows).toBe(1);
});

test.each([
  ['throws', () => JSON.parse('{') as unknown, /threw on row 1 of 0\.parquet/],
  ['says neither true nor false', () => 'yes', /said yes, neither true nor false, on row 1 of 0\.parquet/],
])('a function that %s is the author’s error, with the row', async (_, odd, message) => {
  const asked = [rowFunction('odd', { columns: ['n'] })];
  await expect(bench.check(select, asked, { rowChecks: { odd } })).rejects.toMatchObject({
    code: 'CHECKS_INVALID',
    message: expect.stringMatching(message) as unknown,
  });
});

test('a function that is not there is named, with those that are', async () => {
  const asked = [rowFunction('toString', { columns: ['n'] })];
  await expect(bench.check(select, asked, { rowChecks: { known: () => true } })).rejects.toMatchObject({
    code: 'CHECKS_INVALID',
    message: expect.stringMatching(/not exported by checks.ts: it exports known/) as unknown,
  });
  await expect(bench.check(select, asked)).rejects.toMatchObject({ code: 'CHECKS_INVALID' });
});

test('of 30,000 bad rows in two files none is lost', async () => {
  const rowChecks = { even: (row: CheckedRow) => Number(row['n']) % 2 === 0 };
  const files = ['SELECT range AS n FROM range(30000)', 'SELECT range AS n FROM range(30000)'];
  const { badRows } = await bench.check(files, [rowFunction('even', { columns: ['n'] })], { rowChecks });
  expect(badRows).toBe(30_000);
});
