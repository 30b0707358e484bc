import type { FairnessMetric } from '../../../domain/evaluation/fairness.ts';
import type { QualityMetric, ScoredRows } from '../../../domain/evaluation/metrics.ts';
import { uniforms } from '../golden.ts';

type Pair = readonly [number, number];
type Triple = readonly [number, number, number];
type Bootstrapped = { readonly bounds: Pair; readonly scipyOwn: Pair; readonly standardError: number };
type Areas = {
  readonly bounds: Pair;
  readonly difference: Triple;
  readonly pValue: number;
  readonly error?: number;
  readonly bootstrapError?: number;
};

/** What oracles/evaluation.py computed. */
export type GoldenEvaluation = {
  readonly metrics: Readonly<
    Record<'binary' | 'multiclass' | 'unknownClass' | 'regression', Readonly<Partial<Record<QualityMetric, number>>>>
  > & { readonly binary: { readonly f1At30: number } };
  readonly bootstraps: Readonly<
    Record<'rmse' | 'rmseDifference' | 'r2' | 'r2Difference' | 'f1' | 'f1Difference', Bootstrapped>
  >;
  readonly areas: Readonly<Record<'binary' | 'multiclass', Areas>>;
  readonly shares: {
    readonly mcnemar: readonly (readonly [b: number, c: number, exact: number, midP: number])[];
    readonly tango: readonly (readonly [b: number, c: number, n: number, lower: number, upper: number])[];
  } & Readonly<
    Record<
      'newcombe' | 'ratio',
      readonly (readonly [number, number, number, number, alpha: number, lower: number, upper: number])[]
    > &
      Record<
        'clopperPearson' | 'wilson',
        readonly (readonly [count: number, n: number, alpha: number, lower: number, upper: number])[]
      >
  >;
  readonly student: Readonly<Record<'quantiles' | 'tails', readonly Triple[]>> & {
    readonly logLoss: Pair;
    readonly logLossDifference: Triple;
  };
  readonly fairness: Readonly<Record<FairnessMetric, Triple>> & { readonly selectionRates: readonly number[] };
};

const rows = 400;
const defaults = { threshold: 0.5, quantile: 0.9 };

/** Binary answers of a challenger and a champion. */
export function binaryRows() {
  const labels = uniforms(31, rows).map((u) => (u < 0.4 ? 1 : 0));
  const challenger = uniforms(32, rows).map((u, row) => Math.fround(0.55 * u + 0.35 * (labels[row] ?? 0)));
  challenger.splice(0, 4, 0, 1, 0.5, 0.5);
  const champion = uniforms(34, rows).map((u, row) => Math.fround(0.7 * (challenger[row] ?? 0) + 0.3 * u));
  const scored = (outputs: readonly number[]): ScoredRows => ({
    ...defaults,
    outputs,
    labels,
    width: 1,
    task: 'binary',
  });
  return { challenger: scored(challenger), champion: scored(champion) };
}

/** Probabilities of four classes. */
export function classRows() {
  const labels = uniforms(39, rows).map((u) => Math.floor(4 * u));
  const scored = (seed: number, strength: number): ScoredRows => {
    const raw = [0, 1, 2, 3].map((place) =>
      uniforms(seed + place, rows).map((u, row) => u + strength * (labels[row] === place ? 1 : 0)),
    );
    const outputs = labels.flatMap((_, row) => {
      const own = raw.map((column) => column[row] ?? 0);
      const total = own.reduce((sum, value) => sum + value);
      return own.map((value) => value / total);
    });
    return { ...defaults, outputs, labels, width: 4, task: 'multiclass' };
  };
  return { challenger: scored(41, 0.4), champion: scored(51, 0.3) };
}

/** Predicted numbers. */
export function numberRows() {
  const labels = uniforms(61, rows).map((u) => 1000 + 50 * u);
  const scored = (outputs: readonly number[]): ScoredRows => ({
    ...defaults,
    outputs,
    labels,
    width: 1,
    task: 'regression',
  });
  return {
    challenger: scored(uniforms(62, rows).map((u, row) => Math.fround((labels[row] ?? 0) + 20 * u - 9))),
    champion: scored(uniforms(63, rows).map((u, row) => Math.fround((labels[row] ?? 0) + 24 * u - 12))),
  };
}

/** Binary answers with a group, `0`, `1` or `2`. */
export function groupedRows() {
  const labels = uniforms(71, 900).map((u) => (u < 0.4 ? 1 : 0));
  const groups = uniforms(72, 900).map((u) => String(Math.floor(3 * u ** 2)));
  const outputs = uniforms(73, 900).map((u, row) =>
    Math.fround(0.6 * u + 0.3 * (labels[row] ?? 0) + 0.05 * Number(groups[row])),
  );
  const scored: ScoredRows = { ...defaults, outputs, labels, width: 1, task: 'binary' };
  return { scored, groups };
}
