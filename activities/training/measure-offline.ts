import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import { type MetricRules, requireMeasurable } from '../../domain/metric-rules.ts';
import { areaUnderCurve } from '../../domain/statistics/area-under-curve.ts';
import { brierLoss } from '../../domain/statistics/brier-loss.ts';
import { aucDifference } from '../../domain/statistics/delong.ts';
import { logLoss } from '../../domain/statistics/log-loss.ts';
import { normalBounds } from '../../domain/statistics/normal-bounds.ts';
import { pairedDifference } from '../../domain/statistics/paired-difference.ts';
import { specialFunctions } from '../special-functions.ts';

/** Scores of the same rows in the same order; labels are 0 or 1. `champion` null: there is none yet. */
export type ScoredRows = {
  readonly guardrails: readonly Guardrail[];
  readonly challenger: { readonly probabilities: ArrayLike<number>; readonly labels: ArrayLike<number> };
  readonly champion: { readonly probabilities: ArrayLike<number> } | null;
};

/** What can be measured on a hold-out. */
export const offlineMetrics: MetricRules = {
  auc: ['atLeast', 'atMost', 'nonInferior'],
  logLoss: ['atLeast', 'atMost', 'nonInferior'],
  brier: ['atLeast', 'atMost', 'nonInferior'],
  rows: ['atLeast', 'atMost'],
};

type Loss = (probability: number, label: number) => number;
type Estimate = { readonly value: number; readonly standardError: number };

/**
 * Measures a hold-out for each guardrail, in their order. `atLeast` and `atMost` get the challenger's own value, `nonInferior`
 * gets challenger less champion with bounds at the rule's alpha: by DeLong for AUC, by paired differences for losses.
 *
 * @throws CodedError INPUT_INVALID for a metric or rule that a hold-out does not have.
 */
export function measureScores(scores: ScoredRows): readonly Measurement[] {
  requireMeasurable('The offline evaluation', offlineMetrics, scores.guardrails);
  return scores.guardrails.map((guardrail) => measure(scores, guardrail));
}

function measure(scores: ScoredRows, guardrail: Guardrail): Measurement {
  const { metric } = guardrail;
  const n = scores.challenger.labels.length;
  if (metric === 'rows') return { metric, value: n, n, unit: 'rows' };
  if (guardrail.rule !== 'nonInferior') return { metric, value: ownValue(metric, scores), n };
  const difference = differenceOf(metric, scores);
  if (difference === null) return { metric, value: null, n, lower: null, upper: null };
  const bounds = normalBounds(specialFunctions, { ...difference, alpha: guardrail.alpha });
  return { metric, value: difference.value, n, ...bounds };
}

function ownValue(metric: string, { challenger }: ScoredRows): number | null {
  if (metric === 'auc') return areaUnderCurve(challenger.probabilities, challenger.labels);
  const losses = lossesOf(metric, challenger.probabilities, challenger.labels);
  return losses.length === 0 ? null : losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

function differenceOf(metric: string, { challenger, champion }: ScoredRows): Estimate | null {
  if (champion === null) return null;
  const { labels, probabilities } = challenger;
  if (metric !== 'auc')
    return pairedDifference(lossesOf(metric, probabilities, labels), lossesOf(metric, champion.probabilities, labels));
  const auc = aucDifference({ challenger: probabilities, champion: champion.probabilities, labels });
  return auc === null ? null : { value: auc.difference, standardError: auc.standardError };
}

function lossesOf(metric: string, probabilities: ArrayLike<number>, labels: ArrayLike<number>): Float64Array {
  const loss: Loss = metric === 'brier' ? brierLoss : logLoss;
  return Float64Array.from(labels, (label, row) => loss(probabilities[row] ?? Number.NaN, label));
}
