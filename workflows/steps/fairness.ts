import type { FairnessMetric } from '../../domain/evaluation/fairness.ts';
import type { Guardrail, GuardrailScope } from '../../domain/guardrail.ts';

/** Smaller groups say too little, whatever their numbers are. */
const defaultMinimum = 30;
const defaultAlpha = 0.05;

/**
 * `by` names the column whose values are the groups. A guardrail passes only where the confidence bound at `alpha` (0.05) holds the limit, and
 * every group has at least `minimum` rows (30).
 */
export type FairnessOptions = { readonly by: string } & Pick<
  GuardrailScope,
  'minimum' | 'slices' | 'poolBelow' | 'threshold'
> & { readonly alpha?: number };

/**
 * How far the groups of a column lie apart, for a binary target. A group that is missing or small is inconclusive, not passed. Definitions are
 * Fairlearn's.
 *
 * @example
 * fairness.demographicParityRatio({ by: 'sex', atLeast: 0.8 })
 */
export const fairness = {
  /** Largest less smallest share of true answers. */
  demographicParityDifference: (options: FairnessOptions & { readonly atMost: number }): Guardrail =>
    apart('demographicParityDifference', options),
  /** Smallest over largest share of true answers; at least 0.8 is the four-fifths rule. */
  demographicParityRatio: (options: FairnessOptions & { readonly atLeast: number }): Guardrail =>
    alike('demographicParityRatio', options),
  /** The larger of the gaps in true and false positive rates. */
  equalizedOddsDifference: (options: FairnessOptions & { readonly atMost: number }): Guardrail =>
    apart('equalizedOddsDifference', options),
  /** The smaller of the ratios of true and false positive rates. */
  equalizedOddsRatio: (options: FairnessOptions & { readonly atLeast: number }): Guardrail =>
    alike('equalizedOddsRatio', options),
  /** The gap in true positive rates. */
  equalOpportunityDifference: (options: FairnessOptions & { readonly atMost: number }): Guardrail =>
    apart('equalOpportunityDifference', options),
};

function apart(
  metric: FairnessMetric,
  { atMost, ...options }: FairnessOptions & { readonly atMost: number },
): Guardrail {
  return { metric, rule: 'atMost', limit: atMost, alpha: defaultAlpha, minimum: defaultMinimum, ...options };
}

function alike(
  metric: FairnessMetric,
  { atLeast, ...options }: FairnessOptions & { readonly atLeast: number },
): Guardrail {
  return { metric, rule: 'atLeast', limit: atLeast, alpha: defaultAlpha, minimum: defaultMinimum, ...options };
}
