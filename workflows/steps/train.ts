import type { TrainingRequest } from '../../activities/training/contract.ts';
import type { DeviceRequest } from '../../domain/device.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { requireName } from '../../domain/names.ts';
import type { ModelAbout } from '../../domain/registry.ts';
import type { TrainedModel } from '../../domain/trainer.ts';
import { sleep } from '@temporalio/workflow';
import { placing, release, training, trainingOnGpu } from '../activities.ts';
import { recordStep, type StepHandle, stepKey, thisRun } from '../run-progress.ts';

/**
 * `features` names the pipeline whose features.ts is used; everything random follows from `seed`. `device` asks for a GPU, `cache: false`
 * trains anew where an equal training is kept, and `about` is what the model card says that nobody can compute.
 */
export type TrainOptions = Omit<TrainingRequest, 'run' | 'stepId' | 'from'> & { readonly about?: ModelAbout };

/** Between two looks for a device. */
const lookAgain = '5 seconds';

/**
 * Trains a model, gives it the next version of its name and makes it the challenger.
 *
 * @throws ApplicationFailure TRAINING_FAILED, FEATURES_INVALID, MODEL_INVALID, ENVIRONMENT_UNOBTAINABLE or DEVICE_MEMORY_EXHAUSTED;
 * CodedError INPUT_INVALID when the model cannot be called so.
 * @example
 * const challenger = await train({ model: 'flights', data: training, features: 'flights', target: late, trainer: denseNet({ hidden: [32], epochs: 2 }), seed: 7 });
 */
export async function train({ about, ...options }: TrainOptions): Promise<ModelReference> {
  // Before hours of training, not after them.
  requireName('model', options.model);
  const run = thisRun();
  const trained = await recordStep(
    'train',
    async (step) => {
      const place = await placeFor(options.device, step);
      const at = place === 'gpu' ? trainingOnGpu : training;
      return at.trainModel({ ...options, run, stepId: step.stepId });
    },
    summaryOf,
  );
  return recordStep(
    'register',
    async (step) => {
      const key = stepKey(step.stepId);
      const version = await training.registerModel({
        run,
        registrationId: key,
        trained,
        ...(about === undefined ? {} : { about }),
      });
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

/** Waits for a place where a device is asked for, and says what it waits for. */
export async function placeFor(device: DeviceRequest | undefined, step: StepHandle): Promise<'gpu' | 'data'> {
  if (device === undefined) return 'data';
  for (;;) {
    const { to, why } = await placing.placeTraining({ device });
    step.note(why);
    if (to !== 'wait') return to;
    await sleep(lookAgain);
  }
}

/** Runs of before summaries were recorded have the epochs themselves. */
function summaryOf(
  made: TrainedModel | { readonly summary?: undefined; readonly epochs: readonly { readonly loss: number }[] },
): string {
  if (made.summary !== undefined) return made.summary;
  return `${made.epochs.length} epochs, loss ${made.epochs.at(-1)?.loss.toFixed(4) ?? 'unknown'}`;
}
