import type { Guardrail, Measurement } from './guardrail.ts';
import type { Verdict } from './verdict.ts';

/** One guardrail held against its measurement. `not-applicable`: a comparative rule where there is no champion. */
export type Finding = {
  readonly guardrail: Guardrail;
  readonly measurement: Measurement | null;
  readonly verdict: Verdict | 'not-applicable';
  /** One sentence with the numbers. */
  readonly reason: string;
};

/** What the pipeline's `if` looks at, with all it rests on. */
export type Decision = { readonly outcome: Verdict; readonly reason: string; readonly findings: readonly Finding[] };
