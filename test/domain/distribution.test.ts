import { specialFunctions } from '../../activities/special-functions.ts';
import { compareDistributions, type DistributionComparison } from '../../domain/distribution.ts';
import type { CategoryProfile, NumberProfile } from '../../domain/drift-report.ts';
import type { DistributionExpectation, DriftStatistic } from '../../domain/expectation.ts';
import { generator, golden } from './golden.ts';

const statistics: readonly DriftStatistic[] = ['psi', 'ks', 'chiSquare', 'jensenShannon', 'wasserstein', 'lInfinity'];
const options = { falseDiscoveryRate: 0.05, referenceRows: 500, currentRows: 400 };

const expectation = (over: Partial<DistributionExpectation> = {}): DistributionExpectation => ({
  kind: 'drift',
  column: 'size',
  statistic: 'psi',
  atMost: 0,
  against: 'previous',
  ...over,
});
const numbers = (counts: readonly number[], missing = 0): NumberProfile => ({
  kind: 'number',
  edges: golden.drift.edges,
  counts,
  missing,
});
const categories = (counts: readonly number[], unseen = 0, missing = 0): CategoryProfile => ({
  kind: 'category',
  values: ['ATL', 'JFK'],
  counts,
  unseen,
  missing,
});
const referenceSpread = { standardDeviation: 1.8, edgesMin: 1, edgesMax: 7.389 };
const compared = (over: Partial<DistributionComparison>): DistributionComparison => ({
  expectation: expectation(),
  reference: numbers(golden.drift.referenceCounts),
  current: numbers(golden.drift.currentCounts),
  referenceSpread,
  ...over,
});

test('each statistic on the fixed samples has the value of its oracle (scipy 1.17.1, numpy 2.4.6)', () => {
  const { twoSamples, drift } = golden;
  const [chiSquare] = twoSamples.chiSquareOfDeciles;
  const expected = {
    psi: drift.psi,
    ks: twoSamples.kolmogorovSmirnovOfDeciles,
    chiSquare: chiSquare * (1 / 500 + 1 / 400),
    jensenShannon: twoSamples.jensenShannonOfDeciles,
    lInfinity: twoSamples.lInfinityOfDeciles,
  };
  for (const [statistic, value] of Object.entries(expected)) {
    const comparison = compared({ expectation: expectation({ statistic: statistic as DriftStatistic }) });
    const [finding] = compareDistributions(specialFunctions, [comparison], options);
    expect(finding?.value).toBeCloseTo(value, 12);
    expect(finding?.adjustedPValue).toBeCloseTo(twoSamples.chiSquareOfDeciles[1], 12);
  }
});

test('a p value counts once a column, however many statistics look at it, and is adjusted over all columns', () => {
  const still = { reference: numbers(golden.drift.referenceCounts), current: numbers(golden.drift.referenceCounts) };
  const findings = compareDistributions(
    specialFunctions,
    [
      ...statistics.map((statistic) => compared({ expectation: expectation({ statistic }) })),
      compared({ ...still, expectation: expectation({ column: 'other' }) }),
    ],
    options,
  );
  const pValue = golden.twoSamples.chiSquareOfDeciles[1];
  for (const finding of findings.slice(0, -1)) expect(finding.adjustedPValue).toBeCloseTo(2 * pValue, 12);
  expect(findings.at(-1)?.adjustedPValue).toBe(1);
});

test('drift must be beyond the limit and no chance', () => {
  const decide = (counts: readonly number[], atMost: number) =>
    compareDistributions(
      specialFunctions,
      [
        compared({
          expectation: expectation({ atMost }),
          reference: categories([500_000, 500_000]),
          current: categories(counts),
        }),
      ],
      options,
    )[0]?.drifted;
  expect(decide([51_000, 49_000], 0.05)).toBe(false);
  expect(decide([33, 27], 0)).toBe(false);
  expect(decide([300, 100], 0.05)).toBe(true);
});

test('values that begin to be missing, and categories that were never seen, are drift', () => {
  const decide = (pair: Pick<DistributionComparison, 'reference' | 'current'>, statistic: DriftStatistic) =>
    compareDistributions(
      specialFunctions,
      [compared({ ...pair, expectation: expectation({ statistic, atMost: 0.05 }) })],
      options,
    )[0]?.drifted;
  const even = golden.drift.edges.map(() => 100);
  const missing = { reference: numbers([...even, 100]), current: numbers([...even, 100], 200) };
  for (const statistic of statistics.filter((one) => one !== 'wasserstein'))
    expect({ statistic, drifted: decide(missing, statistic) }).toEqual({ statistic, drifted: true });
  // It is about the values, and these have not moved.
  expect(decide(missing, 'wasserstein')).toBe(false);
  const unseen = { reference: categories([600, 400]), current: categories([540, 360], 100) };
  expect(decide(unseen, 'psi')).toBe(true);
});

test('with nothing to compare there is no value and no drift', () => {
  const noSpread = { ...referenceSpread, standardDeviation: 0 };
  const pairs: readonly Partial<DistributionComparison>[] = [
    { reference: null },
    { current: null },
    { reference: numbers(golden.drift.edges.map(() => 0)) },
    { current: categories([1, 2]) },
    { current: { ...numbers(golden.drift.currentCounts), edges: golden.drift.edges.map((edge) => edge + 1) } },
    { reference: categories([5, 5]), current: categories([5, 5]), expectation: expectation({ statistic: 'ks' }) },
    { expectation: expectation({ statistic: 'wasserstein' }), referenceSpread: null },
    { expectation: expectation({ statistic: 'wasserstein' }), referenceSpread: noSpread },
  ];
  for (const pair of pairs) {
    const [finding] = compareDistributions(specialFunctions, [compared(pair)], options);
    expect(finding).toMatchObject({ value: null, adjustedPValue: 1, drifted: false });
  }
  const [finding] = compareDistributions(specialFunctions, [compared({})], { ...options, currentRows: 0 });
  expect(finding?.value).toBeNull();
});

test('a finding says in words what it was held against', () => {
  const against = ['previous', { snapshot: 'flights@v1' }, { endpoint: 'late', since: '6 hours' }] as const;
  const findings = compareDistributions(
    specialFunctions,
    against.map((one) => compared({ expectation: expectation({ against: one }) })),
    options,
  );
  expect(findings.map((finding) => finding.against)).toEqual([
    'previous',
    'flights@v1',
    'requests to late of the last 6 hours',
  ]);
});

describe('over many checks of twelve columns', () => {
  const unequal = [0.4, 0.25, 0.15, 0.1, 0.05, 0.03, 0.01, 0.007, 0.003];
  /** As a reference's own 40 quantiles divide it. */
  const quantiles = Array.from({ length: 41 }, () => 1 / 41);

  /** A column's counts; `moved` of the first bin's share lies in the fourth. */
  const draw = (next: () => number, shares: readonly number[], rows: number, moved = 0): NumberProfile => {
    const moving = shares.map((share, bin) => (bin === 0 ? share - moved : bin === 3 ? share + moved : share));
    const counts = shares.map(() => 0);
    for (let row = 0; row < rows; row++) {
      let bin = 0;
      for (let left = next(); bin < shares.length - 1 && left >= (moving[bin] ?? 1); bin++) left -= moving[bin] ?? 1;
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    return { kind: 'number', edges: shares.slice(1).map((_, bin) => bin + 1), counts, missing: 0 };
  };

  const checks = (
    rounds: number,
    work: {
      readonly seed: number;
      readonly shares: readonly number[];
      readonly rows: readonly [number, number];
      readonly moved: number;
    },
  ) => {
    const next = generator(work.seed);
    const [referenceRows, currentRows] = work.rows;
    const spread = { standardDeviation: work.shares.length / 6, edgesMin: 0, edgesMax: work.shares.length };
    return Array.from({ length: rounds }, () =>
      compareDistributions(
        specialFunctions,
        Array.from({ length: 12 }, (_, place) => ({
          expectation: expectation({ column: `column ${place}`, statistic: statistics[place % 6] ?? 'psi' }),
          reference: draw(next, work.shares, referenceRows),
          current: draw(next, work.shares, currentRows, place < 6 ? work.moved : 0),
          referenceSpread: spread,
        })),
        { falseDiscoveryRate: 0.05, referenceRows, currentRows },
      ),
    );
  };

  // 5 % of 100 are 5; more than 11 has a probability below 1 % (binomial). Over 3,000 checks it is 4 to 5 %.
  test.each([
    ['nine unequal bins', unequal, [2_000, 600]],
    ['nine unequal bins and a small reference', unequal, [200, 2_000]],
    ['41 equal bins', quantiles, [2_000, 600]],
    ['41 equal bins of few rows', quantiles, [500, 500]],
  ] as const)('without drift the share of checks with any alarm keeps below the rate: %s', (_, shares, rows) => {
    const found = checks(100, { seed: 1_234, shares, rows, moved: 0 });
    const alarms = found.filter((findings) => findings.some(({ drifted }) => drifted)).length;
    expect(alarms).toBeLessThanOrEqual(11);
  });

  test('a real shift is found by every statistic, and few of the findings are false', () => {
    const findings = checks(40, { seed: 43, shares: unequal, rows: [2_000, 600], moved: 0.15 }).flat();
    const isMoved = (column: string): boolean => Number(column.slice('column '.length)) < 6;
    for (const statistic of statistics) {
      const moved = findings.filter((one) => one.statistic === statistic && isMoved(one.column));
      expect({ statistic, all: moved.every(({ drifted }) => drifted) }).toEqual({ statistic, all: true });
    }
    const drifted = findings.filter((one) => one.drifted);
    const wrong = drifted.filter(({ column }) => !isMoved(column));
    expect(wrong.length / drifted.length).toBeLessThanOrEqual(0.05);
  });
});
