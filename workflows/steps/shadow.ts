import type { Decision } from '../../domain/decision.ts';
import type { Duration } from '../../domain/duration.ts';
import type { Guardrail } from '../../domain/guardrail.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { decide } from '../../domain/decide.ts';
import { durationMs } from '../../domain/duration.ts';
import { sleep } from '@temporalio/workflow';
import { traffic } from '../activities.ts';
import { recordDecision, recordStep } from '../run-progress.ts';
import { changeEndpoint, onlyChampion } from './endpoint-change.ts';
import { errors } from './guardrails.ts';
import { type Stage, pauseMs, requireRequests, servingChampion } from './stage.ts';

export type ShadowOptions = {
  readonly endpoint: string;
  /** How many pairs of answers the stage needs. */
  readonly requests: number;
  /** Without that evidence by then the stage is inconclusive. */
  readonly atMost: Duration;
  /** Default: at most one failed answer in a hundred. */
  readonly guardrails?: readonly Guardrail[];
  readonly checkEvery?: Duration;
};

/**
 * Sends the challenger a copy of each live request and judges the pairs of answers; no client sees them.
 *
 * @example
 * const mirrored = await shadow(challenger, { endpoint: 'flights', requests: 5_000, atMost: '1 hour' });
 */
export async function shadow(challenger: ModelReference, options: ShadowOptions): Promise<Stage> {
  return recordStep(
    'shadow',
    async (step) => {
      requireRequests(options.requests);
      const { champion } = await servingChampion(options.endpoint);
      const route = await changeEndpoint({
        endpoint: options.endpoint,
        changeId: step.stepId,
        expects: champion,
        arms: onlyChampion(champion),
        shadows: [challenger],
        why: `shadow of version ${challenger.modelVersion}`,
        done: false,
      });
      const guardrails = [atLeastRequests(options.requests), ...(options.guardrails ?? [errors.atMost(0.01)])];
      const began = Date.now();
      const deadline = began + durationMs(options.atMost);
      for (;;) {
        await sleep(pauseMs(options.checkEvery ?? '10 seconds', Date.now() - began));
        const measurements = await traffic.measureShadow({
          endpoint: options.endpoint,
          champion,
          challenger,
          sinceEpoch: route.epoch,
          since: route.at,
          guardrails,
          weights: [],
        });
        const decision = decide(guardrails, measurements, { champion: true });
        step.note(`${measurements[0]?.value ?? 0} of ${options.requests} pairs`);
        if (isOver(decision, Date.now() >= deadline)) {
          recordDecision('shadow', decision);
          return { ...decision, endpoint: options.endpoint, challenger, champion };
        }
      }
    },
    (stage) => `${stage.outcome}: ${stage.reason}`,
  );
}

/** Too few requests is a reason to wait, not to fail: the rule has a minimum, below which it is inconclusive. */
function atLeastRequests(requests: number): Guardrail {
  return { metric: 'requests', rule: 'atLeast', limit: requests, minimum: requests };
}

function isOver(decision: Decision, late: boolean): boolean {
  return decision.outcome !== 'inconclusive' || late;
}
