/**
 * A number that an activity computed and recorded. `value` null: it could not be measured; `n` is how many rows or requests it rests on.
 */
export type Measurement = {
  readonly metric: string;
  readonly value: number | null;
  readonly n: number;
  /** Bounds of the interval or sequence that the rule needs, at `alpha`; null when not measured. */
  readonly lower?: number | null;
  readonly upper?: number | null;
  readonly unit?: 'ms' | 'share' | 'rows' | 'e-value' | 'bytes' | 'rows/s';
  /** The one-sided error rate that the bounds keep: the guardrail's own, less what earlier uses of the hold-out and the number of slices cost. */
  readonly alpha?: number;
  /** How the bounds were made: `DeLong`, `bootstrap BCa, 2000 resamples, seed 7`, … */
  readonly method?: string;
  /** Two-sided p-value of "no difference", where the method has one. */
  readonly pValue?: number;
  /** Which use of this hold-out it was for this model, from 1. */
  readonly holdoutUse?: number;
  /** The same for each slice or group that the guardrail asks for, in order of their names. */
  readonly slices?: readonly SliceMeasurement[];
  /** Only of comparisons: rows that the champion answers and the challenger cannot, because its record lacks a field there. */
  readonly unanswered?: number;
  /** Up to five cases that did not hold, in words. */
  readonly examples?: readonly string[];
};

/** One slice of the rows, or one group; `slice` is the column's value as text. */
export type SliceMeasurement = Pick<Measurement, 'value' | 'n' | 'lower' | 'upper'> & { readonly slice: string };

/**
 * What a challenger must hold to be released: plain JSON, the one type for the gate before release, shadow, canary and monitoring.
 * `metric` says what is measured and `rule` what is asked of it; the rest narrows what it is measured on.
 */
export type Guardrail = GuardrailRule & GuardrailScope;

/**
 * Comparative rules speak of `challenger - champion`.
 * - `atLeast`, `atMost`: the value itself; with `alpha` its confidence bound, so that chance alone passes nothing.
 * - `nonInferior`: not shown worse than the champion by more than `margin`, at one-sided error `alpha`; a negative margin asks for better by
 *   so much. `better: 'higher'` passes when `lower > -margin`, fails when `upper < -margin`; `'lower'` mirrors it.
 * - `noAlarm`: an e-value for "the challenger is worse"; fails at `1/alpha`, passes below it once `minimum` observations are there.
 */
export type GuardrailRule =
  | { readonly rule: 'atLeast'; readonly limit: number; readonly alpha?: number }
  | { readonly rule: 'atMost'; readonly limit: number; readonly alpha?: number }
  | {
      readonly rule: 'nonInferior';
      readonly better: 'higher' | 'lower';
      readonly margin: number;
      readonly alpha: number;
    }
  | {
      readonly rule: 'noAlarm';
      readonly alpha: number;
      /** Only for `slowAnswers`: an answer that takes longer, in milliseconds, counts as slow. */
      readonly limitMs?: number;
    };

export type GuardrailScope = {
  readonly metric: string;
  /** Observations that it needs at least; with `by`, in each slice or group. Fewer are inconclusive. */
  readonly minimum?: number;
  /** A column of the data: a quality metric must then hold in each of its slices, a fairness metric compares its groups. */
  readonly by?: string;
  /** Slices that must be there; one that is missing is inconclusive. Left out: those that the rows have. */
  readonly slices?: readonly string[];
  /** Rare slices, of fewer rows than this, are measured together as one, `(other)`. */
  readonly poolBelow?: number;
  /** From which probability on an answer counts as true; 0.5 where it is left out. */
  readonly threshold?: number;
  /** Only for `quantileLoss`: which quantile. */
  readonly quantile?: number;
  /** Only for behaviour: what is tried on the packed model. */
  readonly cases?: BehaviourCases;
};

/** Which records are tried: some of the hold-out, evenly spaced, or these. */
export type CaseRecords = { readonly sample: number } | { readonly records: readonly CaseRecord[] };
export type CaseRecord = Readonly<Record<string, number | string | boolean | null>>;

/** One field changed: to each of these values, or by adding or multiplying. */
export type CaseChange = { readonly field: string } & (
  | { readonly to: readonly (number | string | boolean | null)[] }
  | { readonly add: number }
  | { readonly multiply: number }
);

/**
 * Behaviour that no metric shows (Ribeiro et al. 2020, CheckList). The measurement is the share of cases that hold.
 * - `invariant`: the answer stays within `tolerance` when the field changes.
 * - `directional`: the answer goes up or down, or at least not the other way (`strict` false).
 * - `minimumFunctionality`: plain cases with the answer that any sound model gives.
 */
export type BehaviourCases =
  | { readonly kind: 'invariant'; readonly of: CaseRecords; readonly change: CaseChange; readonly tolerance: number }
  | {
      readonly kind: 'directional';
      readonly of: CaseRecords;
      readonly change: CaseChange;
      readonly expect: 'up' | 'down';
      readonly strict: boolean;
    }
  | {
      readonly kind: 'minimumFunctionality';
      readonly examples: readonly {
        readonly record: CaseRecord;
        /** Of the probability or prediction, or the most likely class. */
        readonly expect: { readonly atLeast?: number; readonly atMost?: number; readonly class?: string };
      }[];
    };
