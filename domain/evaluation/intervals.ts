import type { SpecialFunctions } from '../special-functions.ts';
import { clopperPearson } from '../statistics/clopper-pearson.ts';
import { mcNemar } from '../statistics/mcnemar.ts';
import { meanEstimate, momentsOf } from '../statistics/moments.ts';
import { pairedDifference } from '../statistics/paired-difference.ts';
import { studentBounds } from '../statistics/student.ts';
import { pairedShareBounds } from '../statistics/tango.ts';
import { estimateAuc, estimateAucDifference } from './auc-intervals.ts';
import { isMeasurable, type QualityMetric, qualityMetrics, type ScoredRows } from './metrics.ts';
import { meanOf, rowLosses } from './row-losses.ts';
import { summedDifferenceInterval, summedInterval } from './summed-intervals.ts';

/**
 * A metric, or the difference challenger - champion, with both bounds; null: not to be had of these rows. `n` is the rows that it rests on,
 * `pValue` the two-sided one of "no difference", where the method has one.
 */
export type Estimate = {
  readonly value: number | null;
  readonly n: number;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly method: string;
  readonly pValue?: number;
};

export type IntervalOptions = {
  readonly special: SpecialFunctions;
  /** One-sided error rate of each bound. */
  readonly alpha: number;
  /** Of the resamples, where the metric needs them: any safe integer. */
  readonly seed: number;
  /** Awaited now and then during a bootstrap, so that the process can beat and be cancelled. */
  readonly pause: () => Promise<void>;
};

/** Two models' answers to the same rows. */
export type PairedRows = { readonly challenger: ScoredRows; readonly champion: ScoredRows };

/**
 * A metric of one model with its confidence bounds: DeLong's on the logit scale for the AUC, Clopper and Pearson's for accuracy, Student's t
 * for means of losses, BCa bootstrap for F1, RMSE and R², a bootstrapped confidence ball for calibration. Where the rows are all alike they
 * show no spread, and there are no bounds.
 */
export async function estimateMetric(
  metric: QualityMetric,
  scored: ScoredRows,
  options: IntervalOptions,
): Promise<Estimate> {
  const n = scored.labels.length;
  // Of many rows an area takes long, so it is computed with pauses.
  if (metric === 'auc' && isOfTask(metric, scored) && isMeasurable(scored)) return estimateAuc(scored, options);
  const value = qualityMetrics[metric].value(scored);
  if (value === null || metric === 'auc') return { value, n, lower: null, upper: null, method: 'none' };
  switch (metric) {
    case 'accuracy':
      return {
        value,
        n,
        ...clopperPearson(options.special, { count: right(scored), n }, options.alpha),
        method: 'Clopper-Pearson',
      };
    case 'calibration':
    case 'f1':
    case 'rmse':
    case 'r2':
      return { value, n, ...(await summedInterval(metric, scored, options)) };
    case 'logLoss':
    case 'brier':
    case 'mae':
    case 'quantileLoss': {
      const mean = meanEstimate(momentsOf(rowLosses[metric](scored)));
      if (mean === null || mean.standardError === 0)
        return { value, n, lower: null, upper: null, method: "Student's t" };
      const { lower, upper } = studentBounds(options.special, mean, options.alpha);
      return { value, n, lower: Math.max(0, lower), upper, method: "Student's t" };
    }
    default:
      return metric satisfies never;
  }
}

/**
 * The difference challenger - champion of a metric on the same rows with its confidence bounds: DeLong for the AUC, Tango's bounds and
 * McNemar's mid-p value for accuracy, paired t for means of losses, paired BCa bootstrap for F1, RMSE, R² and calibration. Rows answered
 * exactly alike by both models give a difference of zero with bounds of zero, except for accuracy.
 */
export async function estimateDifference(
  metric: QualityMetric,
  { challenger, champion }: PairedRows,
  options: IntervalOptions,
): Promise<Estimate> {
  const n = challenger.labels.length;
  const measurable = isMeasurable(challenger) && isMeasurable(champion) && champion.labels.length === n;
  if (metric === 'auc' && measurable && isOfTask(metric, challenger) && isOfTask(metric, champion))
    return estimateAucDifference({ challenger, champion }, options);
  const { value: valueOf } = qualityMetrics[metric];
  const [ours, theirs] = measurable ? [valueOf(challenger), valueOf(champion)] : [null, null];
  if (ours === null || theirs === null || metric === 'auc')
    return { value: null, n, lower: null, upper: null, method: 'none' };
  const value = ours - theirs;
  switch (metric) {
    case 'accuracy':
      return { value, n, ...accuracyDifference({ challenger, champion }, options) };
    case 'calibration':
    case 'f1':
    case 'rmse':
    case 'r2':
      return { value, n, ...(await summedDifferenceInterval(metric, { challenger, champion }, options)) };
    case 'logLoss':
    case 'brier':
    case 'mae':
    case 'quantileLoss': {
      const mean = pairedDifference(rowLosses[metric](challenger), rowLosses[metric](champion));
      if (mean === null || (mean.standardError === 0 && mean.value !== 0))
        return { value, n, lower: null, upper: null, method: "paired Student's t" };
      return { value, n, ...studentBounds(options.special, mean, options.alpha), method: "paired Student's t" };
    }
    default:
      return metric satisfies never;
  }
}

function isOfTask(metric: QualityMetric, { task }: ScoredRows): boolean {
  return qualityMetrics[metric].tasks.includes(task);
}

function accuracyDifference({ challenger, champion }: PairedRows, { special, alpha }: IntervalOptions) {
  const [ours, theirs] = [rowLosses.accuracy(challenger), rowLosses.accuracy(champion)];
  let [onlyChallenger, onlyChampion] = [0, 0];
  for (const [row, hit] of ours.entries()) {
    if (hit === 1 && theirs[row] === 0) onlyChallenger++;
    if (hit === 0 && theirs[row] === 1) onlyChampion++;
  }
  const bounds = pairedShareBounds(special, { onlyChallenger, onlyChampion, n: ours.length }, alpha);
  const pValue = mcNemar(special, { onlyChallenger, onlyChampion }).midP;
  return { ...bounds, pValue, method: 'Tango, McNemar mid-p' };
}

function right(scored: ScoredRows): number {
  const hits = rowLosses.accuracy(scored);
  return Math.round((meanOf(hits) ?? 0) * hits.length);
}
