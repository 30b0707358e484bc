import { CodedError } from '../errors.ts';
import type { Task } from '../target.ts';
import { areaUnderCurveOf } from './auc.ts';
import { meanOf, rowLosses } from './row-losses.ts';
import { summedMetrics, valueOfSums } from './summed-metrics.ts';

/** What is measured of a model's answers, for guardrails and for the objective of a search. */
export type QualityMetric =
  'auc' | 'logLoss' | 'brier' | 'calibration' | 'f1' | 'accuracy' | 'rmse' | 'mae' | 'r2' | 'quantileLoss';

/**
 * Answers of one model and the truth of the same rows.
 * Labels: binary 0 or 1; regression the value; multiclass the place of the class, or -1 for a class that the model does not know.
 */
export type ScoredRows = {
  /** Row-major [rows, width]: the probability, the classes' probabilities, or the prediction. */
  readonly outputs: ArrayLike<number>;
  readonly width: number;
  readonly labels: ArrayLike<number>;
  readonly task: Task;
  /** Binary: from which probability on an answer counts as true. */
  readonly threshold: number;
  /** Regression: which quantile `quantileLoss` takes the answers for. */
  readonly quantile: number;
};

/** One metric: for which tasks it is, which way is better, and its value; null: it cannot be computed on these rows. */
export type MetricDefinition = {
  readonly tasks: readonly Task[];
  readonly better: 'higher' | 'lower';
  readonly value: (scored: ScoredRows) => number | null;
};

const classes: readonly Task[] = ['binary', 'multiclass'];
const numbers: readonly Task[] = ['regression'];

/**
 * All metrics, with the values of scikit-learn 1.9: AUC (multiclass: macro, one against the rest), log loss in nats, Brier (multiclass:
 * summed over the classes), expected calibration error over 15 bins of equal width (multiclass: of the most likely class), F1 of true at
 * the threshold (multiclass: macro), share of right answers, RMSE, MAE, R² and the pinball loss.
 *
 * None is ever guessed: without rows, with an answer that is no number, with one class only (AUC), with a constant target (R²) and for
 * another task the value is null. A class that the model does not know makes the answer wrong, its log loss that of probability zero,
 * and the AUC null.
 */
export const qualityMetrics: Readonly<Record<QualityMetric, MetricDefinition>> = {
  auc: define(classes, 'higher', areaUnderCurveOf),
  logLoss: define(classes, 'lower', (scored) => meanOf(rowLosses.logLoss(scored))),
  brier: define(classes, 'lower', (scored) => meanOf(rowLosses.brier(scored))),
  calibration: define(classes, 'lower', (scored) => valueOfSums(summedMetrics.calibration(scored))),
  f1: define(classes, 'higher', (scored) => valueOfSums(summedMetrics.f1(scored))),
  accuracy: define(classes, 'higher', (scored) => meanOf(rowLosses.accuracy(scored))),
  rmse: define(numbers, 'lower', (scored) => valueOfSums(summedMetrics.rmse(scored))),
  mae: define(numbers, 'lower', (scored) => meanOf(rowLosses.mae(scored))),
  r2: define(numbers, 'higher', (scored) => valueOfSums(summedMetrics.r2(scored))),
  quantileLoss: define(numbers, 'lower', (scored) => meanOf(rowLosses.quantileLoss(scored))),
};

/** Whether a guardrail's metric is one that is measured on a model's answers. */
export function isQualityMetric(name: string): name is QualityMetric {
  return Object.hasOwn(qualityMetrics, name);
}

/** The scored rows of these numbers, in their order: a slice, or one group. */
export function selectRows(scored: ScoredRows, rows: ArrayLike<number>): ScoredRows {
  const { width } = scored;
  const outputs = new Float64Array(rows.length * width);
  const labels = new Float64Array(rows.length);
  for (let place = 0; place < rows.length; place++) {
    const row = rows[place] ?? 0;
    labels[place] = scored.labels[row] ?? Number.NaN;
    for (let column = 0; column < width; column++)
      outputs[place * width + column] = scored.outputs[row * width + column] ?? Number.NaN;
  }
  return { ...scored, outputs, labels };
}

/**
 * Whether anything can be measured: there are rows, and every answer and label is a finite number.
 *
 * @throws CodedError INPUT_INVALID when answers and labels are not of the same rows.
 */
export function isMeasurable({ outputs, width, labels }: ScoredRows): boolean {
  if (outputs.length !== labels.length * width)
    throw new CodedError(
      'INPUT_INVALID',
      `There are ${outputs.length} answers for ${labels.length} rows of width ${width}. Score the rows again.`,
    );
  return labels.length > 0 && allFinite(labels) && allFinite(outputs);
}

function define(
  tasks: readonly Task[],
  better: 'higher' | 'lower',
  compute: (scored: ScoredRows) => number | null,
): MetricDefinition {
  const value = (scored: ScoredRows): number | null => {
    if (!tasks.includes(scored.task) || !isMeasurable(scored)) return null;
    const computed = compute(scored);
    return computed === null || !Number.isFinite(computed) ? null : computed;
  };
  return { tasks, better, value };
}

function allFinite(values: ArrayLike<number>): boolean {
  for (let place = 0; place < values.length; place++) if (!Number.isFinite(values[place])) return false;
  return true;
}
