import type { Moments } from './moments.ts';

/** Both arms' values within one stratum, for example one route epoch. */
export type Stratum = { readonly challenger: Moments; readonly champion: Moments };

/** `observations` is the summed n1 n2 / (n1 + n2): what the precision of the difference rests on. */
export type StratifiedDifference = {
  readonly difference: number;
  readonly standardError: number;
  readonly observations: number;
};

/**
 * Difference of two independent arms' means, compared within strata only. A ramp gives the challenger more traffic later; were
 * the answers pooled, whatever moves with time would look like a difference between the arms (Simpson's paradox).
 *
 * Strata are weighted by n1 n2 / (n1 + n2); the variance is sum(w² (s1²/n1 + s2²/n2)) / sum(w)² with each arm's variance pooled
 * over all strata, because a stratum at 1 % traffic is too small for one of its own.
 *
 * @returns null when no stratum holds both arms, or an arm has too few values for a variance.
 */
export function stratifiedDifference(strata: readonly Stratum[]): StratifiedDifference | null {
  const shared = strata.filter(({ challenger, champion }) => challenger.n > 0 && champion.n > 0);
  const challengerVariance = pooledVariance(shared.map(({ challenger }) => challenger));
  const championVariance = pooledVariance(shared.map(({ champion }) => champion));
  if (challengerVariance === null || championVariance === null) return null;
  let observations = 0;
  let difference = 0;
  let variance = 0;
  for (const { challenger, champion } of shared) {
    const weight = (challenger.n * champion.n) / (challenger.n + champion.n);
    observations += weight;
    difference += weight * (challenger.mean - champion.mean);
    variance += weight ** 2 * (challengerVariance / challenger.n + championVariance / champion.n);
  }
  return {
    difference: difference / observations,
    standardError: Math.sqrt(variance) / observations,
    observations,
  };
}

/** Variance within strata: summed squares over summed degrees of freedom. */
function pooledVariance(parts: readonly Moments[]): number | null {
  const freedom = parts.reduce((sum, part) => sum + Math.max(part.n - 1, 0), 0);
  const squares = parts.reduce((sum, part) => sum + part.squares, 0);
  return freedom < 1 ? null : squares / freedom;
}
