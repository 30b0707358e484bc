import type { Decision } from './decision.ts';
import { durationMs } from './duration.ts';
import type { RampPolicy } from './ramp.ts';
import type { Verdict } from './verdict.ts';

/** Where a canary stands. `step` indexes the policy's weights; `requests` are the challenger's live answers within this step. */
export type RampState = {
  readonly step: number;
  readonly decision: Decision;
  readonly requests: number;
  readonly elapsedMs: number;
};

/** What happens next. `weight` is the challenger's next share of live traffic in percent. */
export type RampAction =
  | { readonly kind: 'continue' }
  | { readonly kind: 'advance'; readonly weight: number }
  | { readonly kind: 'finished' }
  | { readonly kind: 'rollBack'; readonly verdict: Exclude<Verdict, 'pass'>; readonly reason: string };

/**
 * What a canary does after one look at its evidence.
 *
 * A failure rolls back at once, whatever the traffic. A step is climbed only on a pass with enough of the challenger's own
 * answers; when the step's time is over without that, the canary is rolled back as inconclusive, so silence never promotes.
 */
export function nextRampStep(policy: RampPolicy, state: RampState): RampAction {
  const { decision, requests } = state;
  if (decision.outcome === 'fail') return { kind: 'rollBack', verdict: 'fail', reason: decision.reason };
  if (decision.outcome === 'pass' && requests >= policy.requests && requests > 0) {
    const weight = policy.weights[state.step + 1];
    return weight === undefined ? { kind: 'finished' } : { kind: 'advance', weight };
  }
  if (state.elapsedMs < durationMs(policy.atMost)) return { kind: 'continue' };
  return { kind: 'rollBack', verdict: 'inconclusive', reason: lackOf(policy, state) };
}

function lackOf(policy: RampPolicy, { step, decision, requests }: RampState): string {
  const where = `within ${policy.atMost} at ${policy.weights[step] ?? 0} % of the traffic`;
  if (requests === 0) return `The challenger answered no request ${where}.`;
  if (requests < policy.requests)
    return `The challenger answered ${requests} requests ${where}, ${policy.requests} are needed.`;
  return `Not decided ${where}: ${decision.reason}`;
}
