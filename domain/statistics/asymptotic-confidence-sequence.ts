/** An estimate that is looked at again and again. */
export type SequentialEstimate = {
  /** Standard error of the estimate now, in its own unit. */
  readonly standardError: number;
  /** How many observations it rests on now: rows of one sample, or the summed n1 n2 / (n1 + n2) of two arms. */
  readonly observations: number;
  /** At how many observations the sequence shall be tightest; fixed before the data, else the guarantee is gone. */
  readonly tightestAt: number;
  readonly alpha: number;
  /** `two`: alpha for both bounds together; `one`: alpha for the one bound that is used. */
  readonly sides: 'one' | 'two';
};

/** Below this many observations per sample the sequence is not to be used: it leans on the central limit theorem. */
export const sequenceBurnIn = 100;

/**
 * Half-width of a confidence sequence for a mean: the estimate lies within it of the truth at all looks together, with
 * probability at least 1 - alpha asymptotically, so peeking is free. With n observations, standard error s:
 *
 *   two-sided  s sqrt(2 (n r + 1) / (n r) ln(sqrt(n r + 1) / alpha)),         r = (2 ln(1/alpha) + ln(1 + 2 ln(1/alpha))) / tightestAt
 *   one-sided  s sqrt(2 (n r + 1) / (n r) ln(1 + sqrt(n r + 1) / (2 alpha))), r as above at 2 alpha
 *
 * For the difference of two independent arms s² is the sum of both arms' squared standard errors. The one-sided form solves the
 * one-sided normal mixture (Howard, Ramdas, McAuliffe, Sekhon, Annals of Statistics 49(2), 2021, arXiv 1810.08240) with
 * 1 - Phi(y) <= exp(-y²/2) / 2, so it is a little wider than the exact root, never narrower.
 * Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, Annals of Statistics 52(6), 2024, arXiv 2103.06476.
 */
export function confidenceSequenceHalfWidth(estimate: SequentialEstimate): number {
  const { standardError, observations, tightestAt, alpha, sides } = estimate;
  const log = -Math.log(sides === 'two' ? alpha : 2 * alpha);
  const prior = (2 * log + Math.log(1 + 2 * log)) / tightestAt;
  const scaled = observations * prior;
  const root = Math.sqrt(scaled + 1);
  const logTerm = sides === 'two' ? Math.log(root / alpha) : Math.log1p(root / (2 * alpha));
  return standardError * Math.sqrt((2 * (scaled + 1) * logTerm) / scaled);
}
