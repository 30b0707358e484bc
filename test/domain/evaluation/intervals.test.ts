import { specialFunctions } from '../../../activities/special-functions.ts';
import { estimateDifference, estimateMetric, type IntervalOptions } from '../../../domain/evaluation/intervals.ts';
import type { QualityMetric, ScoredRows } from '../../../domain/evaluation/metrics.ts';
import { areaComponents, areaStandardError } from '../../../domain/statistics/delong.ts';
import { philox } from '../../../domain/statistics/philox.ts';
import { golden, relativeError, uniforms } from '../golden.ts';
import { binaryRows, classRows, numberRows } from './golden-rows.ts';

const options: IntervalOptions = { special: specialFunctions, alpha: 0.05, seed: 7, pause: () => Promise.resolve() };
const { areas, bootstraps, student } = golden.evaluation;
const rowsOf = { rmse: numberRows(), r2: numberRows(), f1: binaryRows() };

describe('Philox4x32-10', () => {
  test.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[-1, -1, -1, -1], [-1, -1], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ] as const)('of %j with key %j equals the known answers of Random123 1.14', (counter, key, expected) => {
    const words = Array.from(philox([...counter], [...key]), (word) => word.toString(16).padStart(8, '0'));
    expect(words.join(' ')).toBe(expected);
  });
});

describe.each(['rmse', 'r2', 'f1'] as const)('bootstrap of %s', (metric) => {
  test('equals BCa of scipy 1.17.1 on the same resamples', async () => {
    const estimate = await estimateMetric(metric, rowsOf[metric].challenger, options);
    expect(estimate.method).toBe('bootstrap BCa, 2000 resamples, seed 7');
    expect(relativeError(estimate.lower ?? 0, bootstraps[metric].bounds[0])).toBeLessThan(1e-9);
    expect(relativeError(estimate.upper ?? 0, bootstraps[metric].bounds[1])).toBeLessThan(1e-9);
  });

  test('of a difference equals paired BCa of scipy 1.17.1 on the same resamples, and within Monte-Carlo error on its own', async () => {
    const expected = bootstraps[`${metric}Difference`];
    const estimate = await estimateDifference(metric, rowsOf[metric], options);
    for (const [place, bound] of [estimate.lower ?? 0, estimate.upper ?? 0].entries()) {
      expect(relativeError(bound, expected.bounds[place] ?? 0)).toBeLessThan(1e-9);
      expect(Math.abs(bound - (expected.scipyOwn[place] ?? 0))).toBeLessThan(0.2 * expected.standardError);
    }
  });

  test('is the same when it is made again, and another with another seed', async () => {
    const first = await estimateMetric(metric, rowsOf[metric].challenger, options);
    const again = await estimateMetric(metric, rowsOf[metric].challenger, options);
    const other = await estimateMetric(metric, rowsOf[metric].challenger, { ...options, seed: 8 });
    expect(again).toEqual(first);
    expect(other.lower).not.toBe(first.lower);
  });
});

describe.each(['binary', 'multiclass'] as const)('AUC of %s answers', (task) => {
  const { challenger, champion } = task === 'binary' ? binaryRows() : classRows();

  test('has the bounds of DeLong by all pairs in numpy 2.4.6, on the logit scale', async () => {
    const estimate = await estimateMetric('auc', challenger, options);
    expect(estimate.value).toBeCloseTo(golden.evaluation.metrics[task].auc ?? 0, 12);
    expect(estimate.lower).toBeCloseTo(areas[task].bounds[0], 10);
    expect(estimate.upper).toBeCloseTo(areas[task].bounds[1], 10);
  });

  test('differs from the champion by what DeLong by all pairs says', async () => {
    const estimate = await estimateDifference('auc', { challenger, champion }, options);
    const [value, lower, upper] = areas[task].difference;
    expect(estimate.value).toBeCloseTo(value, 12);
    expect(estimate.lower).toBeCloseTo(lower, 10);
    expect(estimate.upper).toBeCloseTo(upper, 10);
    expect(relativeError(estimate.pValue ?? 0, areas[task].pValue)).toBeLessThan(1e-8);
  });
});

test('the macro standard error agrees with a bootstrap within the classes, 1,500 resamples with scikit-learn 1.9.1', () => {
  const components = areaComponents(classRows().challenger);
  const error = components === null ? 0 : areaStandardError(components);
  expect(relativeError(error, areas.multiclass.error ?? 0)).toBeLessThan(1e-9);
  expect(relativeError(error, areas.multiclass.bootstrapError ?? 0)).toBeLessThan(0.05);
});

test('a perfect order of few rows is no proof of a high AUC', async () => {
  const scored: ScoredRows = { ...binaryRows().challenger, outputs: [0.1, 0.2, 0.8, 0.9], labels: [0, 0, 1, 1] };
  const estimate = await estimateMetric('auc', scored, options);
  expect(estimate).toMatchObject({ value: 1, upper: 1 });
  expect(estimate.lower).toBeCloseTo(Math.sqrt(0.05), 12);
});

test.each([5, 7, 49, 333])(
  'a perfect order of %i rows of each class is as little proof as its rows, whatever rounding does',
  async (each) => {
    const labels = Array.from({ length: 2 * each }, (_, row) => (row < each ? 0 : 1));
    const scored: ScoredRows = { ...binaryRows().challenger, outputs: labels.map((_, row) => row / 1000), labels };
    const estimate = await estimateMetric('auc', scored, options);
    expect(estimate).toMatchObject({ value: 1, upper: 1 });
    expect(estimate.lower).toBeCloseTo(0.05 ** (1 / each), 12);
  },
);

test('two different models that both order the rows perfectly may still differ on others', async () => {
  const labels = Array.from({ length: 40 }, (_, row) => (row < 20 ? 0 : 1));
  const challenger: ScoredRows = { ...binaryRows().challenger, outputs: labels.map((_, row) => row / 100), labels };
  const champion = { ...challenger, outputs: labels.map((_, row) => (row % 20) / 100 + (row < 20 ? 0 : 0.5)) };
  const { value, lower, upper } = await estimateDifference('auc', { challenger, champion }, options);
  // 20 disjoint pairs are ordered alike: models that disagree on a share d of pairs do so with probability (1 - d)^20 at most.
  expect(value).toBe(0);
  expect(lower).toBeCloseTo(0.05 ** (1 / 20) - 1, 12);
  expect(upper).toBeCloseTo(1 - 0.05 ** (1 / 20), 12);
});

test.each([8, 12, 60])('a worse AUC on %i rows, few of them true, is hardly ever shown to be as good', async (rows) => {
  const trials = 300;
  let passes = 0;
  for (let trial = 0; trial < trials; trial++) {
    const uniform = uniforms(1_000 * trial + 17, 2 * rows);
    const labels = Array.from({ length: rows }, (_, row) => (row < 4 ? 1 : 0));
    // Uniform noise of width w on scores 0.4 apart orders a share 1 - (w - 0.4)² / (2 w²) of pairs rightly: 0.994 and 0.963.
    const answers = (width: number, from: number) =>
      labels.map((label, row) => 0.5 + (label - 0.5) * 0.4 + width * ((uniform[from + row] ?? 0) - 0.5));
    const champion: ScoredRows = { ...binaryRows().challenger, outputs: answers(0.45, 0), labels };
    const challenger = { ...champion, outputs: answers(0.55, rows) };
    const { lower } = await estimateDifference('auc', { challenger, champion }, options);
    if (lower !== null && lower > -0.005) passes++;
  }
  expect(passes / trials).toBeLessThan(0.05);
});

test('fewer rows than twenty are resampled to no bounds', async () => {
  const few = { ...numberRows().challenger, outputs: uniforms(5, 19), labels: uniforms(6, 19) };
  expect(await estimateMetric('rmse', few, options)).toMatchObject({ n: 19, lower: null, upper: null });
  const enough = { ...few, outputs: uniforms(5, 20), labels: uniforms(6, 20) };
  expect((await estimateMetric('rmse', enough, options)).upper).toBeGreaterThan(0);
});

test('the areas of many classes are computed with pauses between them', async () => {
  let pauses = 0;
  const pause = (): Promise<void> => {
    pauses++;
    return Promise.resolve();
  };
  const { challenger, champion } = classRows();
  await estimateDifference('auc', { challenger, champion }, { ...options, pause });
  expect(pauses).toBeGreaterThanOrEqual(2 * challenger.width);
});

test('log loss and its paired difference equal scipy 1.17.1 (t.interval, ttest_rel)', async () => {
  const own = await estimateMetric('logLoss', binaryRows().challenger, options);
  expect(own.lower).toBeCloseTo(student.logLoss[0], 11);
  expect(own.upper).toBeCloseTo(student.logLoss[1], 11);
  const difference = await estimateDifference('logLoss', binaryRows(), options);
  expect(difference.lower).toBeCloseTo(student.logLossDifference[0], 11);
  expect(difference.upper).toBeCloseTo(student.logLossDifference[1], 11);
  expect(difference.pValue).toBeCloseTo(student.logLossDifference[2], 9);
});

test('rows that are all alike show no spread, so the metric has no bounds', async () => {
  const scored: ScoredRows = { ...numberRows().challenger, outputs: [2, 3, 4], labels: [1, 2, 3] };
  for (const metric of ['mae', 'rmse', 'quantileLoss'] as const)
    expect(await estimateMetric(metric, scored, options)).toMatchObject({ n: 3, lower: null, upper: null });
});

const ofTask = { binary: binaryRows(), multiclass: classRows(), regression: numberRows() };
const metricsOf: readonly (readonly [keyof typeof ofTask, readonly QualityMetric[]])[] = [
  ['binary', ['auc', 'logLoss', 'brier', 'calibration', 'f1', 'accuracy']],
  ['multiclass', ['auc', 'logLoss', 'brier', 'calibration', 'f1', 'accuracy']],
  ['regression', ['rmse', 'mae', 'r2', 'quantileLoss']],
];

describe.each(metricsOf.flatMap(([task, metrics]) => metrics.map((metric) => [task, metric] as const)))(
  'of %s answers, %s',
  (task, metric) => {
    const { challenger, champion } = ofTask[task];

    test('lies between its bounds, and so does the difference', async () => {
      const own = await estimateMetric(metric, challenger, options);
      const difference = await estimateDifference(metric, { challenger, champion }, options);
      for (const { value, lower, upper, n } of [own, difference]) {
        expect(n).toBe(400);
        expect(lower ?? Number.NaN).toBeLessThan(value ?? Number.NaN);
        expect(upper ?? Number.NaN).toBeGreaterThan(value ?? Number.NaN);
      }
    });

    test('differs by zero from a model that answers alike', async () => {
      const { value, lower, upper } = await estimateDifference(metric, { challenger, champion: challenger }, options);
      expect(value).toBe(0);
      expect(lower).toBeCloseTo(metric === 'accuracy' ? -0.0067184 : 0, 6);
      expect(upper).toBeCloseTo(metric === 'accuracy' ? 0.0067184 : 0, 6);
    });

    test('swapped, the difference has the opposite sign', async () => {
      const there = await estimateDifference(metric, { challenger, champion }, options);
      const back = await estimateDifference(metric, { challenger: champion, champion: challenger }, options);
      expect(back.value).toBeCloseTo(-(there.value ?? 0), 12);
      expect(back.lower).toBeCloseTo(-(there.upper ?? 0), 2);
    });

    test('at a twentieth of the error the bounds are wider', async () => {
      const wide = await estimateMetric(metric, challenger, { ...options, alpha: 0.0025 });
      const narrow = await estimateMetric(metric, challenger, options);
      expect(wide.lower ?? Number.NaN).toBeLessThan(narrow.lower ?? Number.NaN);
    });
  },
);

describe('bounds hold', () => {
  const [rows, trials] = [80, 600];
  /** Share of trials in which the bound lies on the wrong side of the truth. */
  const errors = async (metric: QualityMetric, truth: number, sample: (seed: number) => ScoredRows) => {
    let [below, above] = [0, 0];
    for (let trial = 0; trial < trials; trial++) {
      const estimate = await estimateMetric(metric, sample(trial), options);
      if ((estimate.lower ?? 0) > truth) below++;
      if ((estimate.upper ?? 1) < truth) above++;
    }
    return [below / trials, above / trials] as const;
  };
  // Three standard errors of a share of 0.05 over the trials.
  const tolerated = 0.05 + 3 * Math.sqrt((0.05 * 0.95) / trials);

  test('AUC 0.95 of 80 rows: each bound errs about as often as it says', async () => {
    // Scores u of false rows and u^k of true ones have the AUC 1 / (1 + k).
    const [below, above] = await errors('auc', 0.95, (seed) => {
      const values = uniforms(100_000 + 7919 * seed, rows + 5).slice(5);
      const labels = values.map((_, row) => row % 2);
      const outputs = values.map((u, row) => (labels[row] === 1 ? u ** (1 / 19) : u));
      return { ...binaryRows().challenger, outputs, labels };
    });
    expect(below).toBeLessThan(tolerated);
    expect(above).toBeLessThan(tolerated);
  });

  test('accuracy 0.9 of 80 rows: each bound errs no more often than it says', async () => {
    const [below, above] = await errors('accuracy', 0.9, (seed) => {
      const outputs = uniforms(300_000 + 7919 * seed, rows + 5)
        .slice(5)
        .map((u) => (u < 0.9 ? 1 : 0));
      return { ...binaryRows().challenger, outputs, labels: outputs.map(() => 1) };
    });
    expect(below).toBeLessThan(tolerated);
    expect(above).toBeLessThan(tolerated);
  });
});

test('a model that is perfectly calibrated is not shown to be off by its 15 bins of noise', async () => {
  let [below, trials] = [0, 60];
  for (let trial = 0; trial < trials; trial++) {
    const outputs = uniforms(500_000 + 104_729 * trial, 200);
    const labels = uniforms(900_000 + 104_729 * trial, 200).map((u, row) => (u < (outputs[row] ?? 0) ? 1 : 0));
    const estimate = await estimateMetric('calibration', { ...binaryRows().challenger, outputs, labels }, options);
    if ((estimate.lower ?? 1) > 0) below++;
  }
  expect(below / trials).toBeLessThan(0.14);
});

test('many rows are resampled in groups, with pauses, to the bounds of the rows', async () => {
  const labels = uniforms(17, 100_000).map((u) => 50 * u);
  const outputs = uniforms(18, 100_000).map((u, row) => (labels[row] ?? 0) + 10 * u - 5);
  let pauses = 0;
  const pause = (): Promise<void> => {
    pauses++;
    return Promise.resolve();
  };
  const scored = { ...numberRows().challenger, outputs, labels };
  const { value, lower, upper } = await estimateMetric('rmse', scored, { ...options, pause });
  expect(pauses).toBeGreaterThan(3);
  // Errors are uniform on [-5, 5]: their squares have variance 625 / 9 - (25 / 3)² = 625 / 11.25, so by the delta method the RMSE's error is
  const standardError = Math.sqrt(625 / 11.25 / 100_000) / (2 * Math.sqrt(25 / 3));
  expect(relativeError((value ?? 0) - (lower ?? 0), 1.645 * standardError)).toBeLessThan(0.1);
  expect(relativeError((upper ?? 0) - (value ?? 0), 1.645 * standardError)).toBeLessThan(0.1);
});

test('a metric that cannot be computed has neither value nor bounds', async () => {
  const scored = { ...binaryRows().challenger, outputs: [0.2, 0.4], labels: [0, 0] };
  expect(await estimateMetric('auc', scored, options)).toMatchObject({ value: null, n: 2, lower: null, upper: null });
  expect(await estimateDifference('auc', { challenger: scored, champion: scored }, options)).toMatchObject({
    value: null,
  });
});
