import type { Guardrail, Measurement } from './guardrail.ts';
import type { ModelReference } from './model-package.ts';
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

/** A decision about one challenger, with the champion that it was held against; null: there is none yet. What `promote` and `reject` act on. */
export type ReleaseDecision = Decision & {
  readonly challenger: ModelReference;
  readonly champion: ModelReference | null;
};
