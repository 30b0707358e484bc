import { specialFunctions } from '../../../activities/special-functions.ts';
import { clopperPearson } from '../../../domain/statistics/clopper-pearson.ts';
import { alphaOfSlice, alphaOfUse } from '../../../domain/statistics/error-spending.ts';
import { mcNemar } from '../../../domain/statistics/mcnemar.ts';
import { shareRatioBounds } from '../../../domain/statistics/miettinen-nurminen.ts';
import { shareDifferenceBounds } from '../../../domain/statistics/newcombe.ts';
import { studentQuantile, studentTail } from '../../../domain/statistics/student.ts';
import { pairedShareBounds } from '../../../domain/statistics/tango.ts';
import { wilsonBounds } from '../../../domain/statistics/wilson.ts';
import { golden, relativeError } from '../golden.ts';

const { shares, student } = golden.evaluation;

test.each(shares.mcnemar)(
  'McNemar of %d against %d equals statsmodels 0.15.0 and scipy 1.17.1 (mid-p)',
  (b, c, exact, midP) => {
    const p = mcNemar(specialFunctions, { onlyChallenger: b, onlyChampion: c });
    expect(relativeError(p.exact, exact)).toBeLessThan(1e-9);
    expect(relativeError(p.midP, midP)).toBeLessThan(1e-9);
  },
);

test('McNemar of models that never differ is no evidence', () => {
  expect(mcNemar(specialFunctions, { onlyChallenger: 0, onlyChampion: 0 })).toEqual({ exact: 1, midP: 1 });
});

test.each(shares.tango)(
  'Tango of %d against %d of %d rows equals the score test inverted by scipy 1.17.1',
  (b, c, n, lower, upper) => {
    const bounds = pairedShareBounds(specialFunctions, { onlyChallenger: b, onlyChampion: c, n }, 0.05);
    // The oracle maximises a likelihood, which is flat at its top: it holds about eight digits.
    expect(bounds.lower).toBeCloseTo(lower, 7);
    expect(bounds.upper).toBeCloseTo(upper, 7);
  },
);

test('models that answer alike on few rows may still differ', () => {
  const bounds = pairedShareBounds(specialFunctions, { onlyChallenger: 0, onlyChampion: 0, n: 10 }, 0.05);
  expect(bounds.upper).toBeCloseTo(1.6448536269514722 ** 2 / (10 + 1.6448536269514722 ** 2), 9);
  expect(bounds.lower).toBeCloseTo(-bounds.upper, 9);
});

test.each(shares.newcombe)(
  'the difference of %d of %d and %d of %d at %d equals statsmodels 0.15.0 (Newcombe)',
  (count, n, otherCount, otherN, alpha, lower, upper) => {
    const bounds = shareDifferenceBounds(specialFunctions, { count, n }, { count: otherCount, n: otherN }, alpha);
    expect(bounds.lower).toBeCloseTo(lower, 11);
    expect(bounds.upper).toBeCloseTo(upper, 11);
  },
);

test.each(shares.ratio)(
  'the ratio of %d of %d and %d of %d at %d equals statsmodels 0.15.0 (score)',
  (count, n, otherCount, otherN, alpha, lower, upper) => {
    const bounds = shareRatioBounds(specialFunctions, { count, n }, { count: otherCount, n: otherN }, alpha);
    expect(bounds?.lower).toBeCloseTo(lower, 9);
    expect(bounds?.upper).toBeCloseTo(upper, 9);
  },
);

test('a ratio to nothing has no upper bound, a ratio of nothing to nothing has none', () => {
  const some = { count: 5, n: 40 };
  const none = { count: 0, n: 30 };
  expect(shareRatioBounds(specialFunctions, some, none, 0.05)?.upper).toBe(Number.POSITIVE_INFINITY);
  expect(shareRatioBounds(specialFunctions, none, some, 0.05)?.lower).toBe(0);
  expect(shareRatioBounds(specialFunctions, none, some, 0.05)?.upper).toBeGreaterThan(0.1);
  expect(shareRatioBounds(specialFunctions, none, none, 0.05)).toBeNull();
});

test.each(shares.clopperPearson)(
  'exact bounds of %d of %d at %d equal statsmodels 0.15.0 (beta)',
  (count, n, alpha, lower, upper) => {
    const bounds = clopperPearson(specialFunctions, { count, n }, alpha);
    expect(bounds.lower).toBeCloseTo(lower, 9);
    expect(bounds.upper).toBeCloseTo(upper, 9);
  },
);

test.each(shares.wilson)(
  'Wilson bounds of %d of %d at %d equal statsmodels 0.15.0',
  (count, n, alpha, lower, upper) => {
    const bounds = wilsonBounds(specialFunctions, { count, n }, alpha);
    expect(bounds.lower).toBeCloseTo(lower, 12);
    expect(bounds.upper).toBeCloseTo(upper, 12);
  },
);

test.each(student.tails)("Student's tail with %d degrees of freedom beyond %d equals scipy 1.17.1", (df, t, tail) => {
  expect(relativeError(studentTail(specialFunctions, df, t), tail)).toBeLessThan(1e-9);
});

test.each(student.quantiles)(
  "Student's quantile with %d degrees of freedom at %d equals scipy 1.17.1",
  (df, tail, t) => {
    expect(relativeError(studentQuantile(specialFunctions, df, tail), t)).toBeLessThan(1e-9);
  },
);

test('all uses of a hold-out together spend no more than alpha', () => {
  expect(alphaOfUse(0.05, 1)).toBeCloseTo(0.0303963551, 9);
  const spent = Array.from({ length: 100_000 }, (_, k) => alphaOfUse(0.05, k + 1)).reduce((sum, one) => sum + one);
  expect(spent).toBeLessThan(0.05);
  expect(spent).toBeGreaterThan(0.0499);
});

test('slices share their alpha', () => {
  expect(alphaOfSlice(0.05, 5)).toBeCloseTo(0.01, 15);
  expect(alphaOfSlice(0.05, 0)).toBe(0.05);
});
