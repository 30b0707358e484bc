import type { Duration } from './duration.ts';
import type { Guardrail } from './guardrail.ts';

/** How a canary climbs: plain JSON, recorded with the decision. */
export type RampPolicy = {
  /** Shares of live traffic in percent, ascending; the last may be 100. */
  readonly weights: readonly number[];
  /** A step ends `inconclusive` when its evidence is not there by then. */
  readonly atMost: Duration;
  /** How many of the challenger's live answers each step needs before it may pass. */
  readonly requests: number;
  readonly guardrails: readonly Guardrail[];
};
