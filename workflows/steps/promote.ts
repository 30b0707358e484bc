import type { ReleaseDecision } from '../../domain/decision.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { ReleaseOutcome } from '../../domain/run.ts';
import { recordStep, stepKey, thisRun } from '../run-progress.ts';
import { changeEndpoint, onlyChampion } from './endpoint-change.ts';

/**
 * Makes the challenger the champion and sends all traffic to it, in one turn of the endpoint: refused, it changes neither. Both writes are a
 * compare-and-set with this step's key, so that each happens once, whatever is killed when. A promotion that has begun is not cancelled.
 *
 * @param decision - what the promotion rests on; its digest stands beside the alias move.
 * @throws ApplicationFailure INPUT_INVALID when the decision is about another version or does not come out as `pass` again, CONFLICT when
 * another champion serves by now, ENDPOINT_BUSY when another release holds the endpoint.
 */
export async function promote(
  challenger: ModelReference,
  decision: ReleaseDecision,
  options: { readonly endpoint?: string } = {},
): Promise<ReleaseOutcome> {
  const endpoint = options.endpoint ?? challenger.model;
  return recordStep(
    'promote',
    async (step) => {
      await changeEndpoint({
        endpoint,
        changeId: step.stepId,
        expects: decision.champion,
        arms: onlyChampion(challenger),
        shadows: [],
        why: `promotion of version ${challenger.modelVersion}: ${decision.reason}`,
        done: true,
        promotion: { version: challenger, moveId: stepKey(step.stepId), who: thisRun().workflowId, decision },
      });
      return {
        outcome: 'promoted' as const,
        model: challenger.model,
        modelVersion: challenger.modelVersion,
        reason: decision.reason,
      };
    },
    (outcome) => `${outcome.model} version ${outcome.modelVersion} is champion`,
  );
}
