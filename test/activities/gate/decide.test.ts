import { between, notNull, rowCount } from '../../../domain/expect.ts';
import { type GateBench, openGateBench } from './gate-bench.ts';

let bench: GateBench;
beforeAll(async () => {
  bench = await openGateBench();
});
afterAll(() => bench.close());

const three = 'SELECT * FROM (VALUES (1, 10), (2, 20), (3, 5)) t(a, b)';
const oneBad = 'SELECT CASE WHEN range = 7 THEN -1 ELSE range END AS n FROM range(100)';
const positive = between('n', { min: 0 });

test('no violation passes, a warning warns, and what blocks, blocks', async () => {
  expect(await bench.check(three, [notNull('a')])).toMatchObject({ decision: 'pass', verdict: 'pass' });
  expect(await bench.check(oneBad, [between('n', { min: 0, severity: 'warn' })])).toMatchObject({
    decision: 'warn',
    verdict: 'pass',
    badRows: 0,
  });
  expect(await bench.check(oneBad, [positive])).toMatchObject({ decision: 'block', verdict: 'fail', badRows: 1 });
});

test('a gate that checked nothing blocks, and is inconclusive', async () => {
  expect(await bench.check(three, [])).toMatchObject({ decision: 'block', verdict: 'inconclusive' });
  expect(await bench.check(`${three} WHERE false`, [notNull('a')])).toMatchObject({
    decision: 'block',
    verdict: 'inconclusive',
  });
});

test('up to the share that the schema allows, bad rows are left behind; beyond it they block', async () => {
  const decided = async (quarantineUpTo: number) =>
    (await bench.check(oneBad, [positive], { schema: { quarantineUpTo } })).decision;
  expect(await decided(0.01)).toBe('quarantine');
  expect(await decided(0.009)).toBe('block');
});

test('what is about the data as a whole blocks, however many bad rows are allowed', async () => {
  const asked = [positive, rowCount({ min: 1000 })];
  expect((await bench.check(oneBad, asked, { schema: { quarantineUpTo: 0.5 } })).decision).toBe('block');
});

test('a quarantine of all rows blocks', async () => {
  const schema = { quarantineUpTo: 0.999 };
  expect((await bench.check('SELECT -1 AS n', [positive], { schema })).decision).toBe('block');
});

test('an expectation is held in its environments only, and counted there only', async () => {
  const asked = [notNull('a'), notNull('label', { environments: ['training'] })];
  expect(await bench.check(three, asked, { environment: 'training' })).toMatchObject({
    decision: 'block',
    expectations: 2,
  });
  expect(await bench.check(three, asked, { environment: 'serving' })).toMatchObject({
    decision: 'pass',
    expectations: 1,
  });
});
