import { brierLoss, classBrierLoss } from '../statistics/brier-loss.ts';
import { logLoss } from '../statistics/log-loss.ts';
import { pinballLoss } from '../statistics/pinball-loss.ts';
import { answeredClasses } from './answers.ts';
import type { QualityMetric, ScoredRows } from './metrics.ts';

/** The metrics that are means over the rows; their intervals come from the rows' own spread. */
export type MeanMetric = Extract<QualityMetric, 'logLoss' | 'brier' | 'accuracy' | 'mae' | 'quantileLoss'>;

/** What each row adds to a metric that is a mean; of `accuracy` 1 where the answer is right. */
export const rowLosses: Readonly<Record<MeanMetric, (scored: ScoredRows) => Float64Array>> = {
  logLoss: (scored) => {
    const { outputs, width, task } = scored;
    if (task === 'binary') return perRow(scored, (row, label) => logLoss(outputs[row] ?? 0, label));
    return perRow(scored, (row, label) => logLoss(label < 0 ? 0 : (outputs[row * width + label] ?? 0), 1));
  },
  brier: (scored) => {
    const { outputs, width, task } = scored;
    if (task === 'binary') return perRow(scored, (row, label) => brierLoss(outputs[row] ?? 0, label));
    return perRow(scored, (row, label) => classBrierLoss(outputs, { from: row * width, width, label }));
  },
  accuracy: (scored) => {
    const answers = answeredClasses(scored);
    return perRow(scored, (row, label) => (answers[row] === label ? 1 : 0));
  },
  mae: (scored) => perRow(scored, (row, label) => Math.abs((scored.outputs[row] ?? 0) - label)),
  quantileLoss: (scored) =>
    perRow(scored, (row, label) => pinballLoss(scored.outputs[row] ?? 0, label, scored.quantile)),
};

/** The mean; null without rows. */
export function meanOf(values: Float64Array): number | null {
  if (values.length === 0) return null;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function perRow({ labels }: ScoredRows, lossOf: (row: number, label: number) => number): Float64Array {
  const losses = new Float64Array(labels.length);
  for (let row = 0; row < losses.length; row++) losses[row] = lossOf(row, labels[row] ?? 0);
  return losses;
}
