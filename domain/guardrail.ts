/** A number that an activity computed and recorded. `value` null: it could not be measured; `n` is how many rows or requests it rests on. */
export type Measurement = {
  readonly metric: string;
  readonly value: number | null;
  readonly n: number;
  /** Bounds of the interval or sequence that the rule needs, at the rule's own error rate; null when not measured. */
  readonly lower?: number | null;
  readonly upper?: number | null;
  readonly unit?: 'ms' | 'share' | 'rows' | 'e-value';
};

/**
 * What a challenger must hold to be released: plain JSON. Comparative rules speak of `challenger - champion`.
 * - `atLeast`, `atMost`: the value itself.
 * - `nonInferior`: not shown worse than the champion by more than `margin`, at one-sided error `alpha`.
 *   `better: 'higher'` passes when `lower > -margin`, fails when `upper < -margin`; `'lower'` mirrors it.
 * - `noAlarm`: an e-value for "the challenger is worse"; fails at `1/alpha`, passes below it once `minimum` observations are there.
 */
export type Guardrail =
  | { readonly metric: string; readonly rule: 'atLeast'; readonly limit: number; readonly minimum?: number }
  | { readonly metric: string; readonly rule: 'atMost'; readonly limit: number; readonly minimum?: number }
  | {
      readonly metric: string;
      readonly rule: 'nonInferior';
      readonly better: 'higher' | 'lower';
      readonly margin: number;
      readonly alpha: number;
      readonly minimum?: number;
    }
  | {
      readonly metric: string;
      readonly rule: 'noAlarm';
      readonly alpha: number;
      readonly minimum?: number;
      /** Only for `slowAnswers`: an answer that takes longer, in milliseconds, counts as slow. */
      readonly limitMs?: number;
    };
