import { specialFunctions } from '../../activities/special-functions.ts';
import { areaUnderCurve } from '../../domain/statistics/area-under-curve.ts';
import { confidenceSequenceHalfWidth } from '../../domain/statistics/asymptotic-confidence-sequence.ts';
import { benjaminiHochberg } from '../../domain/statistics/benjamini-hochberg.ts';
import { brierLoss } from '../../domain/statistics/brier-loss.ts';
import { calibrationGap } from '../../domain/statistics/calibration-gap.ts';
import { areaComponents, areaStandardError } from '../../domain/statistics/delong.ts';
import { errorEventLogEvidence } from '../../domain/statistics/error-event-evidence.ts';
import { logLoss } from '../../domain/statistics/log-loss.ts';
import { midranks } from '../../domain/statistics/midranks.ts';
import { momentsOf } from '../../domain/statistics/moments.ts';
import { normalBounds } from '../../domain/statistics/normal-bounds.ts';
import { pairedDifference } from '../../domain/statistics/paired-difference.ts';
import { populationStabilityIndex } from '../../domain/statistics/population-stability-index.ts';
import { quantile } from '../../domain/statistics/quantile.ts';
import { stratifiedDifference } from '../../domain/statistics/stratified-difference.ts';
import { golden, probabilityRows, scoredRows } from './golden.ts';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('error-event evidence', () => {
  test.each(golden.evidence)(
    'of %d errors, %d in the canary at share %d, K %d equals scipy 1.17.1 quadrature over the prior',
    (errors, inCanary, share, concentration, expected) => {
      const actual = errorEventLogEvidence(specialFunctions, { errors, inCanary, share, concentration });
      expect(actual).toBeCloseTo(expected, 9);
    },
  );

  test('is nothing without errors, and where one arm has all the traffic', () => {
    expect(errorEventLogEvidence(specialFunctions, { errors: 0, inCanary: 0, share: 0.05 })).toBe(0);
    expect(errorEventLogEvidence(specialFunctions, { errors: 9, inCanary: 9, share: 1 })).toBe(0);
  });

  test('stays a number when a flood of errors falls into the champion', () => {
    const actual = errorEventLogEvidence(specialFunctions, { errors: 500, inCanary: 0, share: 0.5 });
    expect(actual).toBeLessThan(-3);
    expect(actual).not.toBeNaN();
  });
});

describe('asymptotic confidence sequence', () => {
  test.each(golden.confidenceSequences)(
    'after %d observations, tightest at %d, alpha %d: two-sided equals confseq 0.0.11, one-sided is its exact root or at most 2 %% wider',
    (observations, tightestAt, alpha, twoSided, oneSided) => {
      const estimate = { standardError: 1 / Math.sqrt(observations), observations, tightestAt, alpha };
      const two = confidenceSequenceHalfWidth({ ...estimate, sides: 'two' }) * observations;
      const one = confidenceSequenceHalfWidth({ ...estimate, sides: 'one' }) * observations;
      expect(two).toBeCloseTo(twoSided, 9);
      expect(one).toBeGreaterThanOrEqual(oneSided);
      expect(one).toBeLessThan(oneSided * 1.02);
    },
  );
});

describe('area under the curve', () => {
  test('equals scikit-learn 1.9.1', () => {
    const { labels, challenger, champion } = scoredRows();
    expect(areaUnderCurve(challenger, labels)).toBeCloseTo(golden.auc.challenger, 14);
    expect(areaUnderCurve(champion, labels)).toBeCloseTo(golden.auc.champion, 14);
  });

  test('equals scikit-learn 1.9.1 where scores are tied, with the midranks of scipy 1.17.1', () => {
    const { labels, challenger } = scoredRows();
    const tied = challenger.map((score) => Math.round(score * 10) / 10);
    expect(areaUnderCurve(tied, labels)).toBeCloseTo(golden.auc.tied, 14);
    const ranks = midranks(tied);
    expect(labels.reduce<number>((sum, label, row) => sum + label * (ranks[row] ?? 0), 0)).toBe(golden.auc.tiedRankSum);
  });

  test('does not exist with one class only', () => {
    expect(areaUnderCurve([0.1, 0.9], [1, 1])).toBeNull();
    expect(areaUnderCurve([], [])).toBeNull();
  });

  test('two models differ by what DeLong of MLstatkit 0.1.91 says', () => {
    const { challenger, champion, labels } = scoredRows();
    const [ours, theirs] = [challenger, champion].map((outputs) => areaComponents({ outputs, width: 1, labels }));
    if (ours == null || theirs == null) throw new TypeError('both classes have rows');
    const [value, standardError] = [ours.area - theirs.area, areaStandardError(ours, theirs)];
    expect(standardError).toBeCloseTo(golden.auc.standardError, 14);
    expect(value / standardError).toBeCloseTo(golden.auc.z, 10);
    const bounds = normalBounds(specialFunctions, { value, standardError, alpha: 0.05 });
    expect(bounds.lower).toBeCloseTo(golden.auc.lower, 12);
    expect(bounds.upper).toBeCloseTo(golden.auc.upper, 12);
  });

  test('an area has no standard error with one row of a class', () => {
    const components = areaComponents({ outputs: [0.1, 0.2, 0.3], width: 1, labels: [0, 0, 1] });
    expect(components?.rarest).toBe(1);
    expect(components === null ? null : areaStandardError(components)).toBeNaN();
  });
});

describe('losses', () => {
  const { labels, challenger, champion } = probabilityRows();
  const lossOf = (probabilities: readonly number[]) => probabilities.map((p, row) => logLoss(p, labels[row] ?? 0));

  test('log loss and Brier score equal scikit-learn 1.9.1', () => {
    expect(mean(lossOf(challenger))).toBeCloseTo(golden.losses.logLoss, 13);
    expect(mean(challenger.map((p, row) => brierLoss(p, labels[row] ?? 0)))).toBeCloseTo(golden.losses.brier, 13);
  });

  test('a sure but wrong answer costs 15.9 nats as in scikit-learn on FP32 answers, not infinity', () => {
    expect(logLoss(0, 1)).toBeCloseTo(15.942, 3);
    expect(logLoss(1, 0)).toBeCloseTo(15.942, 3);
  });

  test('a paired difference equals scipy 1.17.1 ttest_rel and norm.interval', () => {
    const difference = pairedDifference(lossOf(challenger), lossOf(champion));
    expect(difference?.value).toBeCloseTo(golden.losses.difference, 12);
    expect(difference?.standardError).toBeCloseTo(golden.losses.standardError, 12);
    const { value = 0, standardError = 0 } = difference ?? {};
    const bounds = normalBounds(specialFunctions, { value, standardError, alpha: 0.05 });
    expect(bounds.lower).toBeCloseTo(golden.losses.lower, 12);
    expect(bounds.upper).toBeCloseTo(golden.losses.upper, 12);
    expect(pairedDifference([1], [2])).toBeNull();
  });

  test('quantiles equal numpy 2.4.6', () => {
    for (const [probability, expected] of golden.losses.quantiles)
      expect(quantile(challenger, probability)).toBeCloseTo(expected, 14);
    expect(quantile([], 0.5)).toBeNull();
  });

  test('the calibration gap and its p value equal scipy 1.17.1', () => {
    const gap = calibrationGap(specialFunctions, champion, labels);
    expect(gap?.gap).toBeCloseTo(golden.losses.gap, 13);
    expect((gap?.pValue ?? 0) / golden.losses.gapPValue).toBeCloseTo(1, 9);
    expect(calibrationGap(specialFunctions, [], [])).toBeNull();
  });
});

test('a difference within strata is not fooled by a ramp during which everyone gets worse', () => {
  const constant = (value: number, n: number) =>
    momentsOf(Array.from({ length: n }, (_, row) => value + (row % 2) * 0.1));
  const difference = stratifiedDifference([
    { challenger: constant(0.3, 100), champion: constant(0.3, 1900) },
    { challenger: constant(0.6, 1000), champion: constant(0.6, 1000) },
    { challenger: constant(0.9, 1000), champion: momentsOf([]) },
  ]);
  expect(difference?.difference).toBeCloseTo(0, 12);
  expect(difference?.observations).toBeCloseTo(95 + 500, 9);
  expect(stratifiedDifference([])).toBeNull();
});

describe('drift statistics', () => {
  test('PSI and its chi-square p value equal numpy 2.4.6 and scipy 1.17.1', () => {
    const { referenceCounts, currentCounts, psi, expected, pValue } = golden.drift;
    const index = populationStabilityIndex(specialFunctions, { reference: referenceCounts, current: currentCounts });
    expect(index?.value).toBeCloseTo(psi, 14);
    expect(index?.expected).toBeCloseTo(expected, 14);
    expect((index?.pValue ?? 0) / pValue).toBeCloseTo(1, 10);
  });

  test('an empty sample has no PSI, bins that both lack do not count', () => {
    expect(populationStabilityIndex(specialFunctions, { reference: [0, 0], current: [1, 2] })).toBeNull();
    const index = populationStabilityIndex(specialFunctions, { reference: [50, 0, 50], current: [50, 0, 50] });
    expect(index).toMatchObject({ value: 0, bins: 2, pValue: 1 });
  });

  test('adjusted p values equal statsmodels 0.15.0 multipletests', () => {
    const { pValues, adjusted } = golden.benjaminiHochberg;
    for (const [place, value] of benjaminiHochberg(pValues).entries())
      expect(value).toBeCloseTo(adjusted[place] ?? 0, 14);
    expect(benjaminiHochberg([])).toEqual([]);
  });
});
