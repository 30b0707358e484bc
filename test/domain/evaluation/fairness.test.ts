import { specialFunctions } from '../../../activities/special-functions.ts';
import {
  fairness,
  fairnessMetrics,
  type GroupCounts,
  groupCounts,
  isFairnessMetric,
} from '../../../domain/evaluation/fairness.ts';
import { golden, uniforms } from '../golden.ts';
import { groupedRows } from './golden-rows.ts';

const options = { special: specialFunctions, alpha: 0.05 };
const { scored, groups } = groupedRows();
const counts = groupCounts(scored, groups);
const names = Object.keys(fairnessMetrics).filter(isFairnessMetric);

test.each(names)('%s equals fairlearn 0.15.0, its bounds those of all pairs by statsmodels 0.15.0', (metric) => {
  const estimate = fairness(metric, counts, options);
  const [value, lower, upper] = golden.evaluation.fairness[metric];
  expect(estimate.value).toBeCloseTo(value, 12);
  expect(estimate.lower).toBeCloseTo(lower, 9);
  expect(estimate.upper).toBeCloseTo(upper, 9);
  expect(estimate.n).toBe(900);
});

test('the slices are the selection rates of fairlearn 0.15.0, in order of their names', () => {
  const { slices } = fairness('demographicParityRatio', counts, options);
  expect(slices.map(({ slice }) => slice)).toEqual(['0', '1', '2']);
  for (const [place, { value }] of slices.entries())
    expect(value).toBeCloseTo(golden.evaluation.fairness.selectionRates[place] ?? 0, 14);
});

test('a row without a group belongs to none', () => {
  const some = groupCounts(
    scored,
    groups.map((group, row) => (row % 2 === 0 ? null : group)),
  );
  expect(some.reduce((sum, { n }) => sum + n, 0)).toBe(450);
});

test.each(names)('%s of one group, or of none, is unknown', (metric) => {
  expect(fairness(metric, counts.slice(0, 1), options)).toMatchObject({ value: null, lower: null, upper: null });
  expect(fairness(metric, [], options)).toMatchObject({ value: null, lower: null, upper: null });
});

test('a group without true rows leaves its true positive rate unknown, never zero', () => {
  const empty: GroupCounts = { group: '9', n: 40, positives: 0, selected: 10, truePositives: 0 };
  const estimate = fairness('equalOpportunityDifference', [...counts, empty], options);
  expect(estimate).toMatchObject({ value: null, lower: null, upper: null });
  expect(estimate.slices.at(-1)).toEqual({ slice: '9', value: null, n: 0, lower: null, upper: null });
});

test('where nobody is selected no ratio is known', () => {
  const nobody = counts.map((group) => ({ ...group, selected: 0, truePositives: 0 }));
  expect(fairness('demographicParityRatio', nobody, options).value).toBeNull();
  expect(fairness('demographicParityDifference', nobody, options).value).toBe(0);
});

test('equal small groups are not shown fair', () => {
  const small = ['a', 'b'].map((group) => ({ group, n: 12, positives: 6, selected: 6, truePositives: 4 }));
  const estimate = fairness('demographicParityRatio', small, options);
  expect(estimate.value).toBe(1);
  expect(estimate.lower).toBeLessThan(0.8);
});

test('five equal groups are shown unfair in at most alpha of all samples, and a gap at the limit is passed as seldom', () => {
  const [trials, rows] = [600, 120];
  const sample = (trial: number, shares: readonly number[]): readonly GroupCounts[] =>
    shares.map((share, place) => {
      const seed = 1_000_000 + 7919 * (trial * shares.length + place);
      const selected = uniforms(seed, rows + 5)
        .slice(5)
        .filter((u) => u < share).length;
      return { group: String(place), n: rows, positives: 1, selected, truePositives: 0 };
    });
  let [shown, passed] = [0, 0];
  for (let trial = 0; trial < trials; trial++) {
    const equal = fairness('demographicParityDifference', sample(trial, [0.4, 0.4, 0.4, 0.4, 0.4]), options);
    if ((equal.lower ?? 1) > 0) shown++;
    const apart = fairness('demographicParityRatio', sample(trial, [0.6, 0.48]), options);
    if ((apart.lower ?? 1) > 0.8) passed++;
  }
  const tolerated = 0.05 + 3 * Math.sqrt((0.05 * 0.95) / trials);
  expect(shown / trials).toBeLessThan(tolerated);
  expect(passed / trials).toBeLessThan(tolerated);
});
