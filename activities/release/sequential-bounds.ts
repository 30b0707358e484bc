import type { Guardrail, Measurement } from '../../domain/guardrail.ts';
import { confidenceSequenceHalfWidth, sequenceBurnIn } from '../../domain/statistics/asymptotic-confidence-sequence.ts';

/** A difference challenger less champion; `smallestSample` is the rows of the smaller side. */
export type SequentialDifference = {
  readonly value: number;
  readonly standardError: number;
  readonly observations: number;
  readonly smallestSample: number;
};

/** Where a sequence is tightest when the guardrail names no minimum. */
const usualObservations = 1_000;

/**
 * Bounds of a difference that is looked at again and again, each at the guardrail's alpha over all looks together.
 * Below the burn-in there are none, so the guardrail stays inconclusive.
 */
export function sequentialBounds(
  guardrail: Guardrail & { readonly rule: 'nonInferior' },
  difference: SequentialDifference,
): Pick<Measurement, 'lower' | 'upper'> {
  if (difference.smallestSample < sequenceBurnIn) return { lower: null, upper: null };
  const { value, standardError, observations } = difference;
  const half = confidenceSequenceHalfWidth({
    standardError,
    observations,
    tightestAt: Math.max(guardrail.minimum ?? usualObservations, sequenceBurnIn),
    alpha: guardrail.alpha,
    sides: 'one',
  });
  return { lower: value - half, upper: value + half };
}
