import type { TrainingRequest } from '../../activities/training/contract.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { requireName } from '../../domain/names.ts';
import { release, training } from '../activities.ts';
import { recordStep, stepKey, thisRun } from '../run-progress.ts';

/** `features` names the pipeline whose features.ts is used; everything random follows from `seed`. */
export type TrainOptions = Omit<TrainingRequest, 'run' | 'stepId'>;

/**
 * Trains a model, gives it the next version of its name and makes it the challenger.
 *
 * @throws ApplicationFailure TRAINING_FAILED, FEATURES_INVALID or MODEL_INVALID; CodedError INPUT_INVALID when the model cannot be called so.
 * @example
 * const challenger = await train({ model: 'flights', data: training, features: 'flights', target: late, trainer: denseNet({ hidden: [32], epochs: 2 }), seed: 7 });
 */
export async function train(options: TrainOptions): Promise<ModelReference> {
  // Before hours of training, not after them.
  requireName('model', options.model);
  const run = thisRun();
  const trained = await recordStep(
    'train',
    (step) => training.trainModel({ ...options, run, stepId: step.stepId }),
    (made) => `${made.epochs.length} epochs, loss ${made.epochs.at(-1)?.loss.toFixed(4) ?? 'unknown'}`,
  );
  return recordStep(
    'register',
    async (step) => {
      const key = stepKey(step.stepId);
      const version = await training.registerModel({ run, registrationId: key, trained });
      await release.moveAlias({
        model: version.model,
        moveId: key,
        alias: 'challenger',
        to: version.modelVersion,
        who: run.workflowId,
        why: 'trained',
        evidenceSha256: version.packageDigest,
      });
      return version;
    },
    (version) => `${version.model} version ${version.modelVersion}`,
  );
}
