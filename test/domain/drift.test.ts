import { specialFunctions } from '../../activities/special-functions.ts';
import { compareProfiles, poolRareBins } from '../../domain/drift/compare-profiles.ts';
import { driftVerdict } from '../../domain/drift/drift-verdict.ts';
import { binOf, profileWindow } from '../../domain/drift/profile-window.ts';
import type { DriftPolicy, NumberProfile, TrainingProfile } from '../../domain/drift-report.ts';
import { generator, golden, uniforms } from './golden.ts';

const policy: DriftPolicy = {
  windowRequests: 400,
  falseDiscoveryRate: 0.05,
  materialPsi: 0.05,
  materialGap: 0.03,
  sustained: 3,
  outOf: 5,
};
const prediction: NumberProfile = { kind: 'number', edges: [0.5], counts: [250, 250], missing: 0 };
const reference: TrainingProfile = {
  rows: 500,
  labelShare: 0.5,
  prediction,
  features: {
    size: { kind: 'number', edges: golden.drift.edges, counts: golden.drift.referenceCounts, missing: 0 },
    origin: { kind: 'category', values: ['ATL', 'JFK'], counts: [300, 200], unseen: 0, missing: 0 },
  },
};

test('a window is counted over the stored edges as numpy 2.4.6 histogram counts it', () => {
  const rows = uniforms(2, 400).map((u) => ({
    features: { size: 1.1 * Math.exp(2 * u), origin: 'ATL' },
    prediction: u,
  }));
  const window = profileWindow(reference, rows);
  expect(window.features['size']).toMatchObject({ counts: golden.drift.currentCounts, missing: 0 });
  expect(window.rows).toBe(400);
});

test('both ends are open and a value at an edge belongs to the bin above, with or without outer bounds', () => {
  const open: NumberProfile = { kind: 'number', edges: [1, 2], counts: [0, 0, 0], missing: 0 };
  const bounded: NumberProfile = { ...open, edges: [0, 1, 2, 3] };
  for (const profile of [open, bounded])
    expect([-9, 0.5, 1, 1.5, 2, 99].map((value) => binOf(profile, value))).toEqual([0, 0, 1, 1, 2, 2]);
});

test('unseen categories, absent values and values of another kind are counted apart', () => {
  const features: readonly Record<string, unknown>[] = [
    { size: 3, origin: 'JFK' },
    { size: '3', origin: 'XXX' },
    { size: null, origin: 7 },
    {},
  ];
  const window = profileWindow(
    reference,
    features.map((row) => ({ features: row, prediction: Number.NaN })),
  );
  expect(window.features['size']).toMatchObject({ missing: 3 });
  expect(window.features['origin']).toMatchObject({ counts: [0, 1], unseen: 1, missing: 2 });
  expect(window.prediction).toMatchObject({ counts: [0, 0], missing: 4 });
});

test('bins in which the window expects fewer than 20 rows are pooled', () => {
  const pooled = poolRareBins({ reference: [500, 480, 15, 5], current: [480, 490, 10, 20] });
  expect(pooled).toEqual({ reference: [500, 480, 20], current: [480, 490, 30] });
});

test('drift must be significant and material: a trifle on many rows is not, chance on few rows is not', () => {
  const compare = (counts: readonly number[], expected: readonly number[]) => {
    const withCounts = (values: readonly number[]): TrainingProfile => ({
      ...reference,
      features: {},
      prediction: { ...prediction, counts: values },
    });
    const window = { rows: 0, features: {}, prediction: { ...prediction, counts } };
    return compareProfiles(specialFunctions, policy, { reference: withCounts(expected), window, calibration: null })[0];
  };
  expect(compare([51_000, 49_000], [500_000, 500_000])).toMatchObject({ significant: true, material: false });
  expect(compare([33, 27], [500_000, 500_000])).toMatchObject({ significant: false, material: false });
  expect(compare([300, 100], [500_000, 500_000])).toMatchObject({ significant: true, material: true });
});

test('the calibration gap keeps its sign and counts among the signals', () => {
  const window = profileWindow(reference, []);
  const calibration = { n: 400, gap: -0.05, pValue: 1e-6 };
  const signals = compareProfiles(specialFunctions, policy, { reference, window, calibration });
  expect(signals).toEqual([
    {
      name: 'label',
      statistic: 'calibration-gap',
      value: -0.05,
      pValue: 1e-6,
      adjustedPValue: 1e-6,
      significant: true,
      material: true,
    },
  ]);
  expect(driftVerdict(policy, 400, signals)).toEqual({
    verdict: 'fail',
    reason: 'outcomes come less often than predicted by 5.0 points.',
  });
});

test('a window that is not full, or holds nothing to compare, is inconclusive', () => {
  expect(driftVerdict(policy, 399, [])).toMatchObject({ verdict: 'inconclusive' });
  expect(driftVerdict(policy, 400, [])).toMatchObject({ verdict: 'inconclusive' });
});

test('without drift significant signals are about as rare as the false discovery rate says, with many rare categories', () => {
  const next = generator(31);
  const weights = Array.from({ length: 60 }, (_, place) => Math.round(40_000 / (place + 1) ** 1.3));
  const values = weights.map((_, place) => `airport ${place}`);
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const big: TrainingProfile = {
    ...reference,
    prediction: { ...prediction, counts: [sum / 2, sum / 2] },
    features: { origin: { kind: 'category', values, counts: weights, unseen: 0, missing: 0 } },
  };
  const draw = (): string => {
    let left = next() * sum;
    return values[weights.findIndex((weight) => (left -= weight) < 0)] ?? '';
  };
  let alarms = 0;
  for (let window = 0; window < 200; window++) {
    const rows = Array.from({ length: 1_000 }, () => ({ features: { origin: draw() }, prediction: next() }));
    const signals = compareProfiles(specialFunctions, policy, {
      reference: big,
      window: profileWindow(big, rows),
      calibration: null,
    });
    if (signals.some(({ significant }) => significant)) alarms++;
  }
  expect(alarms).toBeLessThanOrEqual(20);
  expect(alarms).toBeGreaterThan(0);
});
