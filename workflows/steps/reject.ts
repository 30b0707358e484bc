import type { ReleaseDecision } from '../../domain/decision.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { ReleaseOutcome } from '../../domain/run.ts';
import { release } from '../activities.ts';
import { recordStep, stepKey, thisRun } from '../run-progress.ts';
import { changeEndpoint, onlyChampion } from './endpoint-change.ts';
import type { Stage } from './stage.ts';

/**
 * Ends a release without promotion: a normal result. All traffic goes back to the champion where a shadow or canary had touched it, and the
 * version is marked with the reason.
 */
export async function reject(challenger: ModelReference, decision: ReleaseDecision | Stage): Promise<ReleaseOutcome> {
  return recordStep(
    'reject',
    async (step) => {
      if ('endpoint' in decision) {
        await changeEndpoint({
          endpoint: decision.endpoint,
          changeId: step.stepId,
          expects: decision.champion,
          arms: onlyChampion(decision.champion),
          shadows: [],
          why: `rejection of version ${challenger.modelVersion}: ${decision.reason}`,
          done: true,
        });
      }
      await release.rejectVersion({
        version: challenger,
        moveId: stepKey(step.stepId),
        who: thisRun().workflowId,
        decision,
      });
      return {
        outcome: 'rejected' as const,
        model: challenger.model,
        modelVersion: challenger.modelVersion,
        reason: decision.reason,
      };
    },
    (outcome) => `${outcome.model} version ${outcome.modelVersion}: ${outcome.reason}`,
  );
}
