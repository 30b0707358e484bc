import type { Decision } from '../../domain/decision.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { ReleaseOutcome } from '../../domain/run.ts';
import { CancellationScope } from '@temporalio/workflow';
import { release } from '../activities.ts';
import { recordStep, stepKey, thisRun } from '../run-progress.ts';
import { changeEndpoint, onlyChampion } from './endpoint-change.ts';

/**
 * Makes the challenger the champion: moves the alias, then sends all traffic to it and gives the endpoint back. Each of the writes is a
 * compare-and-set with this step's key, so that it happens once, whatever is killed when. A promotion that has begun is not cancelled.
 *
 * @param decision - what the promotion rests on; its digest stands beside the alias move.
 * @throws ApplicationFailure INPUT_INVALID when the decision is not `pass`.
 */
export async function promote(
  challenger: ModelReference,
  decision: Decision,
  options: { readonly endpoint?: string } = {},
): Promise<ReleaseOutcome> {
  const endpoint = options.endpoint ?? challenger.model;
  return recordStep(
    'promote',
    (step) =>
      // Cancelled between the two writes, the alias would name one version and the route another.
      CancellationScope.nonCancellable(async () => {
        await release.promoteVersion({
          version: challenger,
          moveId: stepKey(step.stepId),
          who: thisRun().workflowId,
          decision,
        });
        await changeEndpoint({
          endpoint,
          changeId: step.stepId,
          arms: onlyChampion(challenger),
          shadows: [],
          why: `promotion of version ${challenger.modelVersion}: ${decision.reason}`,
          done: true,
        });
        return {
          outcome: 'promoted' as const,
          model: challenger.model,
          modelVersion: challenger.modelVersion,
          reason: decision.reason,
        };
      }),
    (outcome) => `${outcome.model} version ${outcome.modelVersion} is champion`,
  );
}
