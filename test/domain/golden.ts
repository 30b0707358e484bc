import { readFileSync } from 'node:fs';
import type { GoldenEvaluation } from './evaluation/golden-rows.ts';

/** Values that oracles/golden.py computed with the versions the file names. */
export type Golden = {
  readonly versions: Readonly<Record<string, string>>;
  readonly specialFunctions: Readonly<
    Record<
      'lnGamma' | 'incompleteBeta' | 'chiSquareSurvival' | 'normalCdf' | 'normalQuantile',
      readonly (readonly number[])[]
    >
  >;
  readonly evidence: readonly (readonly [number, number, number, number, number])[];
  readonly confidenceSequences: readonly (readonly [number, number, number, number, number])[];
  readonly auc: Readonly<
    Record<'challenger' | 'champion' | 'standardError' | 'z' | 'lower' | 'upper' | 'tied' | 'tiedRankSum', number>
  >;
  readonly losses: Readonly<
    Record<'logLoss' | 'brier' | 'difference' | 'standardError' | 'lower' | 'upper' | 'gap' | 'gapPValue', number>
  > & { readonly quantiles: readonly (readonly [number, number])[] };
  readonly drift: Readonly<Record<'psi' | 'expected' | 'pValue', number>> &
    Readonly<Record<'edges' | 'referenceCounts' | 'currentCounts', readonly number[]>>;
  readonly twoSamples: {
    /** Two seeds with their sizes, the second's shift, decimals kept; then the statistic, scipy's p value and the asymptotic one. */
    readonly kolmogorovSmirnov: readonly (readonly [
      seed: number,
      n: number,
      otherSeed: number,
      m: number,
      shift: number,
      decimals: number,
      statistic: number,
      pValue: number,
      asymptoticPValue: number,
    ])[];
    readonly kolmogorovSmirnovOfValues: readonly [statistic: number, pValue: number, asymptoticPValue: number];
    readonly kolmogorovSurvival: readonly (readonly [n: number, x: number, survival: number])[];
    readonly meanOfChi: readonly (readonly [degreesOfFreedom: number, mean: number])[];
    readonly expectedLargest: readonly [deviations: readonly number[], mean: number];
  } & Readonly<Record<'chiSquare' | 'chiSquareOfDeciles', readonly [statistic: number, pValue: number]>> &
    Readonly<
      Record<
        | 'jensenShannonOfDeciles'
        | 'kolmogorovSmirnovOfDeciles'
        | 'lInfinityOfDeciles'
        | 'wasserstein'
        | 'normedWasserstein'
        | 'wassersteinOfDeciles',
        number
      >
    >;
  readonly benjaminiHochberg: Readonly<Record<'pValues' | 'adjusted', readonly number[]>>;
  readonly evaluation: GoldenEvaluation;
};

export const golden = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as Golden;

/** The generator that golden.py uses: s = (1664525 s + 1013904223) mod 2^32, u = (s + 0.5) / 2^32. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

/** The first `n` values of a seed. */
export function uniforms(seed: number, n: number): readonly number[] {
  const next = generator(seed);
  return Array.from({ length: n }, () => next());
}

/** Labels, a stronger and a weaker score of the same 300 rows, as in golden.py. */
export function scoredRows() {
  const labels = uniforms(3, 300).map((u) => (u < 0.4 ? 1 : 0));
  const challenger = uniforms(4, 300).map((u, row) => u + 0.5 * (labels[row] ?? 0));
  const champion = uniforms(5, 300).map((u, row) => u + 0.35 * (labels[row] ?? 0));
  return { labels, challenger, champion };
}

/** Labels and two probabilities of the same 300 rows, as in golden.py. */
export function probabilityRows() {
  const labels = uniforms(3, 300).map((u) => (u < 0.4 ? 1 : 0));
  const challenger = uniforms(4, 300);
  const champion = uniforms(5, 300).map((u, row) => 0.7 * (challenger[row] ?? 0) + 0.3 * u);
  return { labels, challenger, champion };
}

/** Holds `actual` against `expected` relative to the larger of |expected| and `floor`. */
export function relativeError(actual: number, expected: number, floor = 1e-300): number {
  return Math.abs(actual - expected) / Math.max(Math.abs(expected), floor);
}
