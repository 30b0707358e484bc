import type { ReleaseDecision } from '../../domain/decision.ts';
import type { Guardrail } from '../../domain/guardrail.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { DataSlice } from '../../domain/snapshot.ts';
import { decide } from '../../domain/decide.ts';
import { training } from '../activities.ts';
import { recordDecision, recordStep } from '../run-progress.ts';

export type EvaluateOptions = {
  readonly on: DataSlice;
  readonly against: 'champion';
  readonly guardrails: readonly Guardrail[];
};

/**
 * Measures a challenger and decides by the guardrails: its quality on held-out rows, beside the champion's on the same rows, fairness between
 * groups, behaviour and performance of the packed model. Without a champion the comparative ones do not apply; the absolute ones must still
 * pass. Each call is one use of the hold-out for the model.
 *
 * @throws ApplicationFailure INPUT_INVALID for a guardrail that cannot be measured on this model; PACKAGE_UNSIGNED, PACKAGE_ALTERED,
 * MODEL_INVALID, FEATURES_INVALID.
 * @example
 * const offline = await evaluate(challenger, { on: holdout, against: 'champion', guardrails: [auc.atLeast(0.6), auc.nonInferiorBy(0.002)] });
 */
export async function evaluate(challenger: ModelReference, options: EvaluateOptions): Promise<ReleaseDecision> {
  return recordStep(
    'evaluate',
    async () => {
      const champion = await training.readAlias({ model: challenger.model, alias: options.against });
      const measurements = await training.measureOffline({
        challenger,
        champion,
        on: options.on,
        guardrails: options.guardrails,
      });
      const decision = decide(options.guardrails, measurements, { champion: champion !== null });
      recordDecision('evaluate', decision);
      return { ...decision, challenger, champion };
    },
    (decision) => `${decision.outcome}: ${decision.reason}`,
  );
}
