import { specialFunctions } from '../../activities/special-functions.ts';
import { chiSquareTest } from '../../domain/statistics/chi-square.ts';
import { expectedLargest } from '../../domain/statistics/expected-largest.ts';
import { jensenShannonDistance } from '../../domain/statistics/jensen-shannon.ts';
import { kolmogorovSurvival } from '../../domain/statistics/kolmogorov-distribution.ts';
import { kolmogorovSmirnovOfCounts, kolmogorovSmirnovTest } from '../../domain/statistics/kolmogorov-smirnov.ts';
import { lInfinityDistance } from '../../domain/statistics/l-infinity.ts';
import { mergeRareBins } from '../../domain/statistics/merge-rare-bins.ts';
import { type BinnedSamples, populationStabilityIndex } from '../../domain/statistics/population-stability-index.ts';
import { quantile } from '../../domain/statistics/quantile.ts';
import {
  closedBoundaries,
  normedWasserstein,
  wassersteinDistance,
  wassersteinOfCounts,
} from '../../domain/statistics/wasserstein.ts';
import { generator, golden, relativeError, uniforms } from './golden.ts';

const { twoSamples } = golden;
const reference = uniforms(1, 500).map((u) => Math.exp(2 * u));
const current = uniforms(2, 400).map((u) => 1.1 * Math.exp(2 * u));
const deciles: BinnedSamples = { reference: golden.drift.referenceCounts, current: golden.drift.currentCounts };

describe('Kolmogorov-Smirnov', () => {
  test('of the fixed samples equals scipy 1.17.1, exact and asymptotic', () => {
    const [statistic, pValue, asymptotic] = twoSamples.kolmogorovSmirnovOfValues;
    // Also as published in advance: .0875, .06281769193895374, .06284476469737432.
    const test = kolmogorovSmirnovTest(reference, current);
    expect(test?.statistic).toBeCloseTo(statistic, 14);
    expect(test?.pValue).toBeCloseTo(pValue, 12);
    expect(test?.pValue).toBeCloseTo(0.06281769193895374, 12);
    expect(test?.asymptoticPValue).toBeCloseTo(asymptotic, 12);
  });

  test.each(twoSamples.kolmogorovSmirnov)(
    'seeds and sizes %d:%d and %d:%d, shift %d, %d decimals: statistic and p values equal scipy 1.17.1, far tails too',
    (seed, n, otherSeed, m, shift, decimals, statistic, pValue, asymptoticPValue) => {
      const rounded = (value: number): number => Math.round(value * 10 ** decimals) / 10 ** decimals;
      const before = uniforms(seed, n).map(rounded);
      const now = uniforms(otherSeed, m).map((u) => rounded(u + shift));
      const test = kolmogorovSmirnovTest(before, now);
      expect(relativeError(test?.statistic ?? Number.NaN, statistic)).toBeLessThan(1e-12);
      expect(relativeError(test?.pValue ?? Number.NaN, pValue)).toBeLessThan(1e-10);
      expect(relativeError(test?.asymptoticPValue ?? Number.NaN, asymptoticPValue)).toBeLessThan(1e-10);
    },
  );

  test.each(twoSamples.kolmogorovSurvival)(
    'of one sample of %d values, P(D >= %d) equals kstwo of scipy 1.17.1',
    (n, x, expected) => {
      expect(relativeError(kolmogorovSurvival(n, x), expected)).toBeLessThan(1e-10);
    },
  );

  test('of counts equals numpy 2.4.6 on the same deciles', () => {
    expect(kolmogorovSmirnovOfCounts(specialFunctions, deciles)?.value).toBeCloseTo(
      twoSamples.kolmogorovSmirnovOfDeciles,
      14,
    );
  });
});

describe('chi-square', () => {
  test('of a table and of the deciles equals scipy 1.17.1 chi2_contingency without correction', () => {
    const table = chiSquareTest(specialFunctions, { reference: [200, 180, 120], current: [130, 170, 100] });
    expect(table?.statistic).toBeCloseTo(twoSamples.chiSquare[0], 12);
    expect(table?.pValue).toBeCloseTo(twoSamples.chiSquare[1], 12);
    const ofDeciles = chiSquareTest(specialFunctions, deciles);
    expect(ofDeciles?.statistic).toBeCloseTo(twoSamples.chiSquareOfDeciles[0], 10);
    expect(ofDeciles?.pValue).toBeCloseTo(twoSamples.chiSquareOfDeciles[1], 12);
  });

  test('has an effect that does not grow with the rows, and lies close to PSI', () => {
    const effect = (times: number): number | undefined =>
      chiSquareTest(specialFunctions, {
        reference: deciles.reference.map((count) => count * times),
        current: deciles.current.map((count) => count * times),
      })?.effect;
    expect(effect(1000)).toBeCloseTo(effect(1) ?? Number.NaN, 12);
    expect(Math.abs((effect(1) ?? 0) - golden.drift.psi)).toBeLessThan(0.005);
  });
});

test('the Jensen-Shannon distance to base 2 equals scipy 1.17.1 on the deciles', () => {
  expect(jensenShannonDistance(specialFunctions, deciles)?.value).toBeCloseTo(twoSamples.jensenShannonOfDeciles, 12);
});

test('the Jensen-Shannon distance is 0 of likes and 1 of samples with nothing in common', () => {
  const distance = (now: readonly number[]) =>
    jensenShannonDistance(specialFunctions, { reference: [10, 0, 30], current: now })?.value;
  expect(distance([20, 0, 60])).toBe(0);
  expect(distance([0, 5, 0])).toBeCloseTo(1, 14);
});

test('its mean without drift uses the mean of chi, equal to scipy 1.17.1', () => {
  for (const [degreesOfFreedom, mean] of twoSamples.meanOfChi) {
    const counts = Array.from({ length: degreesOfFreedom + 1 }, () => 100);
    const rows = 100 * (degreesOfFreedom + 1);
    const expected = jensenShannonDistance(specialFunctions, { reference: counts, current: counts })?.expected ?? 0;
    expect(expected / Math.sqrt(2 / rows / (8 * Math.LN2))).toBeCloseTo(mean, 10);
  }
});

describe('Wasserstein', () => {
  test('of values equals scipy 1.17.1, in their unit and in standard deviations of the reference', () => {
    expect(wassersteinDistance(reference, current)).toBeCloseTo(twoSamples.wasserstein, 12);
    expect(normedWasserstein(reference, current)).toBeCloseTo(twoSamples.normedWasserstein, 12);
  });

  test('of counts equals quadrature between straight distribution functions (numpy 2.4.6)', () => {
    const boundaries = [Math.min(...reference), ...golden.drift.edges, Math.max(...reference)];
    // The quadrature is good to about 1e-10.
    expect(wassersteinOfCounts({ ...deciles, boundaries })?.value).toBeCloseTo(twoSamples.wassersteinOfDeciles, 9);
  });

  test('of counts with open ends lies close to that of the values, also where a tail reaches far', () => {
    const exponential = (seed: number, scale: number) => uniforms(seed, 20_000).map((u) => -scale * Math.log(u));
    const cubed = (seed: number, scale: number) => exponential(seed, scale).map((value) => value ** 3);
    for (const sample of [exponential, cubed]) {
      const before = sample(51, 1).toSorted((a, b) => a - b);
      const now = sample(52, 1.1);
      const edges = Array.from({ length: 40 }, (_, place) => quantile(before, (place + 1) / 41) ?? 0);
      const count = (values: readonly number[]): readonly number[] => {
        const counts = [...edges, 0].map(() => 0);
        for (const value of values) {
          const bin = edges.filter((edge) => edge <= value).length;
          counts[bin] = (counts[bin] ?? 0) + 1;
        }
        return counts;
      };
      const counts = count(before);
      const boundaries = closedBoundaries({ edges, counts, min: before[0] ?? 0, max: before.at(-1) ?? 0 });
      const ofCounts = wassersteinOfCounts({ reference: counts, current: count(now), boundaries })?.value ?? 0;
      const ofValues = wassersteinDistance(before, now) ?? 0;
      // Counts know nothing of how the tail is spread: of the cubes, whose largest is 45 standard deviations out, half is unseen at most.
      expect(ofCounts / ofValues).toBeGreaterThan(sample === cubed ? 0.5 : 0.9);
      expect(ofCounts / ofValues).toBeLessThan(1.1);
    }
  });

  test('bins with open ends end at the outermost values at the latest', () => {
    const closed = closedBoundaries({ edges: [10, 20], counts: [1, 5, 3], min: 9, max: 22 });
    expect(closed).toEqual([9, 10, 20, 22]);
    expect(closedBoundaries({ edges: [10, 20], counts: [0, 5, 0], min: 10, max: 19 })).toEqual([0, 10, 20, 30]);
    expect(closedBoundaries({ edges: [10], counts: [4, 0], min: 8, max: 10 })).toEqual([8, 10, 12]);
    expect(closedBoundaries({ edges: [], counts: [4], min: 8, max: 10 })).toEqual([8, 10]);
  });

  test('has no value where the reference does not vary', () => {
    expect(normedWasserstein([5, 5, 5], [6, 7])).toBeNull();
  });
});

test('L-infinity equals the Chebyshev distance of scipy 1.17.1', () => {
  expect(lInfinityDistance(specialFunctions, deciles)?.value).toBeCloseTo(twoSamples.lInfinityOfDeciles, 14);
});

test('the mean of the largest of independent normals equals quadrature by scipy 1.17.1', () => {
  const [deviations, mean] = twoSamples.expectedLargest;
  expect(expectedLargest(specialFunctions, deviations)).toBeCloseTo(mean, 8);
});

test('an empty sample has no value under any statistic', () => {
  for (const samples of [
    { reference: [0, 0], current: [1, 2] },
    { reference: [1, 2], current: [0, 0] },
  ]) {
    expect(chiSquareTest(specialFunctions, samples)).toBeNull();
    expect(jensenShannonDistance(specialFunctions, samples)).toBeNull();
    expect(lInfinityDistance(specialFunctions, samples)).toBeNull();
    expect(kolmogorovSmirnovOfCounts(specialFunctions, samples)).toBeNull();
    expect(wassersteinOfCounts({ ...samples, boundaries: [0, 1, 2] })).toBeNull();
  }
  expect(kolmogorovSmirnovTest([], [1])).toBeNull();
  expect(wassersteinDistance([1], [])).toBeNull();
});

describe('rare bins', () => {
  test('are pooled, but not one that is full in the smaller sample', () => {
    const merged = mergeRareBins({ reference: [100_000, 0, 30, 50, 0], current: [800, 150, 3, 47, 0] });
    expect(merged).toEqual({ reference: [100_030, 0, 50], current: [803, 150, 47] });
  });

  test('stay together where the pool itself is full', () => {
    const merged = mergeRareBins({ reference: [500, 480, 6, 6, 6], current: [480, 480, 8, 8, 8] });
    expect(merged).toEqual({ reference: [500, 480, 18], current: [480, 480, 24] });
  });
});

test('without drift each statistic is on average what it is expected to be, or less', () => {
  const shares = [0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05];
  const boundaries = [0, 1, 2, 4, 8, 9, 10, 12, 20];
  const next = generator(77);
  const draw = (rows: number): readonly number[] => {
    const counts = shares.map(() => 0);
    for (let row = 0; row < rows; row++) {
      let left = next();
      const bin = Math.max(
        0,
        shares.findIndex((share) => (left -= share) < 0),
      );
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    return counts;
  };
  const ratios = new Map<string, number[]>();
  for (let round = 0; round < 300; round++) {
    const samples = { reference: draw(3_000), current: draw(1_000) };
    const found = {
      psi: populationStabilityIndex(specialFunctions, samples),
      jensenShannon: jensenShannonDistance(specialFunctions, samples),
      lInfinity: lInfinityDistance(specialFunctions, samples),
      ks: kolmogorovSmirnovOfCounts(specialFunctions, samples),
      wasserstein: wassersteinOfCounts({ ...samples, boundaries }),
    };
    for (const [name, distance] of Object.entries(found))
      ratios.set(name, [...(ratios.get(name) ?? []), (distance?.value ?? 0) / (distance?.expected ?? 1)]);
  }
  const means = [...ratios].map(([name, of]) => ({ name, mean: of.reduce((sum, one) => sum + one, 0) / of.length }));
  for (const { name, mean } of means) {
    // Three standard errors of 300 rounds are about 0.1. KS, L-infinity and Wasserstein are bounded from above only.
    expect({ name, tooHigh: mean > 1.1 }).toEqual({ name, tooHigh: false });
    expect({ name, tooLow: mean < 0.7 }).toEqual({ name, tooLow: false });
  }
});
