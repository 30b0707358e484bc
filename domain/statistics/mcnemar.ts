import type { SpecialFunctions } from '../special-functions.ts';

/** Rows that only one of two models answers right. */
export type Discordant = { readonly onlyChallenger: number; readonly onlyChampion: number };

/**
 * McNemar's test that two models are right equally often, from the rows on which they differ: b against c is a toss of b + c coins.
 * `exact` is 2 P(X <= min(b, c)), at most 1; `midP` takes off P(X = min(b, c)), because the exact test errs less often than it says.
 * Sources: McNemar, Psychometrika 12, 1947; Fagerland, Lydersen, Laake, BMC Medical Research Methodology 13:91, 2013.
 */
export function mcNemar(
  special: SpecialFunctions,
  { onlyChallenger, onlyChampion }: Discordant,
): { readonly exact: number; readonly midP: number } {
  const tosses = onlyChallenger + onlyChampion;
  if (tosses === 0) return { exact: 1, midP: 1 };
  const fewer = Math.min(onlyChallenger, onlyChampion);
  const twoTails = 2 * special.incompleteBeta(tosses - fewer, fewer + 1, 0.5);
  const ways = special.lnGamma(tosses + 1) - special.lnGamma(fewer + 1) - special.lnGamma(tosses - fewer + 1);
  return { exact: Math.min(1, twoTails), midP: twoTails - Math.exp(ways - tosses * Math.LN2) };
}
