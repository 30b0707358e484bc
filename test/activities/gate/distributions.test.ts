import { drift } from '../../../domain/expect.ts';
import type { DriftStatistic } from '../../../domain/expectation.ts';
import { type GateBench, openGateBench } from './gate-bench.ts';

let bench: GateBench;
beforeAll(async () => {
  bench = await openGateBench();
});
afterAll(() => bench.close());

/** 4,000 rows of two columns; `shift` moves the number, `other` is how many of ten rows have another text. */
function rows(shift: number, other: number): string {
  return `SELECT range % 100 + ${shift} AS x, CASE WHEN range % 10 < ${other} THEN 'b' ELSE 'a' END AS s FROM range(4000)`;
}

const asked = (column: string, statistic: DriftStatistic) =>
  drift(column, { statistic, atMost: 0.05, against: 'previous' });
const ofNumbers: readonly DriftStatistic[] = ['psi', 'ks', 'chiSquare', 'jensenShannon', 'wasserstein', 'lInfinity'];

test('each statistic sees a column that has moved, by its own name, and none where nothing has', async () => {
  const reference = await bench.reference(rows(0, 3));
  const expectations = ofNumbers.map((statistic) => asked('x', statistic));
  expect(await bench.codes(rows(0, 3), expectations, { reference })).toEqual([]);
  expect(await bench.codes(rows(40, 3), expectations, { reference })).toEqual([
    'COMPARATOR_PSI_HIGH x 1',
    'COMPARATOR_KS_HIGH x 1',
    'COMPARATOR_CHI_SQUARE_HIGH x 1',
    'COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH x 1',
    'COMPARATOR_WASSERSTEIN_HIGH x 1',
    'COMPARATOR_L_INFTY_HIGH x 1',
  ]);
});

test('values beyond a most frequent largest one are a move, though the reference has no quantile there', async () => {
  const of = (value: number) => `SELECT ${value} AS x, 'a' AS s FROM range(3000)`;
  const capped = (value: number) =>
    `SELECT CASE WHEN range % 10 < 6 THEN ${value} ELSE range % 10 END AS x FROM range(3000)`;
  const asking = ofNumbers.filter((statistic) => statistic !== 'wasserstein').map((statistic) => asked('x', statistic));
  for (const rowsOf of [of, capped]) {
    const reference = await bench.reference(rowsOf(40));
    expect(await bench.codes(rowsOf(40), asking, { reference })).toEqual([]);
    expect(await bench.codes(rowsOf(50), asking, { reference })).toHaveLength(asking.length);
  }
});

test('the value is that over the stored edges: a third of the rows elsewhere is an L-infinity distance and a KS of that much', async () => {
  const reference = await bench.reference(rows(0, 3));
  const expectations = [asked('s', 'lInfinity'), asked('x', 'ks')];
  const { distributions } = await bench.check(rows(50, 6), expectations, { reference });
  expect(distributions[0]).toMatchObject({ column: 's', drifted: true });
  expect(distributions[0]?.value).toBeCloseTo(0.3, 12);
  expect(distributions[1]?.value).toBeCloseTo(0.5, 1);
});

test('the report draws what was compared: the current counts beside the reference, over its edges', async () => {
  const reference = await bench.reference(rows(0, 3));
  const { pictures } = await bench.check(rows(0, 6), [asked('s', 'psi'), asked('s', 'lInfinity')], { reference });
  expect(pictures).toMatchObject([
    {
      column: 's',
      current: { profile: { values: ['a', 'b'], counts: [1600, 2400] } },
      reference: { profile: { counts: [2800, 1200] } },
    },
  ]);
});

test('a column that the reference lacks, or has as another type, is a lack and not agreement', async () => {
  const reference = await bench.reference("SELECT 'a' AS x FROM range(100)");
  const { violations } = await bench.check(rows(0, 3), [asked('x', 'psi'), asked('s', 'psi')], { reference });
  expect(violations.map(({ code, observed }) => `${code}: ${observed}`)).toEqual([
    'COMPARATOR_CONTROL_DATA_MISSING: x is not string as in things@reference',
    'COMPARATOR_CONTROL_DATA_MISSING: things@reference has no column s',
  ]);
});

test('a statistic of order over a column that turns out to be text is a lack that says why', async () => {
  const reference = await bench.reference(rows(0, 3));
  const { violations } = await bench.check(rows(0, 3), [asked('s', 'ks')], { reference });
  expect(violations).toMatchObject([
    {
      code: 'COMPARATOR_CONTROL_DATA_MISSING',
      observed:
        'ks needs values in an order, and those of type string have none; psi, chiSquare, jensenShannon and lInfinity need none',
    },
  ]);
});

test('a reference is looked for once, however many expectations name it', async () => {
  const reference = await bench.reference(rows(0, 3));
  let looked = 0;
  const counting: typeof reference = (against) => {
    looked += 1;
    return reference(against);
  };
  await bench.check(
    rows(0, 3),
    ofNumbers.map((statistic) => asked('x', statistic)),
    { reference: counting },
  );
  expect(looked).toBe(1);
});

test('drift that only warns does not stop the data', async () => {
  const reference = await bench.reference(rows(0, 3));
  const warned = { ...asked('x', 'psi'), severity: 'warn' as const };
  expect(await bench.check(rows(40, 3), [warned], { reference })).toMatchObject({ decision: 'warn', verdict: 'pass' });
});
