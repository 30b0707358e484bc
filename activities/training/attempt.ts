import { join } from 'node:path';
import type { StepCacheUse } from '../../domain/step-cache.ts';
import { missSentence } from '../../domain/explain-miss.ts';
import type { TrainedModel } from '../../domain/trainer.ts';
import type { TrainingRecord } from '../../domain/training-record.ts';
import { claimStep, type KeptTraining, keptTrainings, stepCacheKey } from '../../stores/step-cache.ts';
import { publishTraining, stepFolder } from '../../stores/training-attempts.ts';
import { readTrainingRecord, writeTrainingRecord } from '../../stores/training-records.ts';
import { cacheParts } from './cache-parts.ts';
import { type Attempt, computeTraining } from './compute-training.ts';
import type { TrainingRequest } from './contract.ts';
import { costOf, devicePrice } from './cost.ts';
import type { TrainingDependencies } from './dependencies.ts';

/** An attempt before it knows whether it has to compute. */
type Begun = Pick<Attempt, 'own' | 'scratch' | 'startedAt'>;

/**
 * One attempt of a training step: takes the device, looks for the result of an equal training, computes where there is none, and publishes.
 *
 * @throws CodedError CONFLICT when a newer attempt has begun; whatever the trainer throws.
 */
export async function attemptTraining(
  dependencies: TrainingDependencies,
  request: TrainingRequest,
  begun: Begun,
): Promise<TrainedModel> {
  const prices = await dependencies.prices();
  const beat = dependencies.beat();
  const held =
    request.device === undefined
      ? null
      : await dependencies.holdDevice(request.device, { signal: beat.signal, onWait: (text) => beat.note(text) });
  try {
    // Before hours of training, not after them.
    if (prices !== null && held?.device) devicePrice(prices, held.device);
    const featuresFile = join(begun.scratch, 'features.mjs');
    await dependencies.bundleFeatures(request.features, featuresFile);
    const activitiesFile =
      request.trainer.kind === 'dense' ? null : await dependencies.activitiesFile(request.run.pipeline);
    const attempt = { ...begun, prices, beat, held, began: performance.now(), featuresFile, activitiesFile };
    return await (request.cache === false ? withoutCache : withCache)(dependencies, request, attempt);
  } finally {
    held?.release();
  }
}

type Ready = Omit<Attempt, 'cache'>;

async function withoutCache(
  dependencies: TrainingDependencies,
  request: TrainingRequest,
  attempt: Ready,
): Promise<TrainedModel> {
  const key = stepCacheKey(await partsOf(dependencies, request, attempt));
  const cache: StepCacheUse = { ...key, outcome: 'off', why: 'The pipeline asked for no cache.' };
  const trained = await computeTraining(dependencies, request, { ...attempt, cache });
  return publishTraining(dependencies.store, attempt.own, trained);
}

async function withCache(
  dependencies: TrainingDependencies,
  request: TrainingRequest,
  attempt: Ready,
): Promise<TrainedModel> {
  const { store } = dependencies;
  const { own, beat } = attempt;
  const parts = await partsOf(dependencies, request, attempt);
  const key = stepCacheKey(parts);
  const claim = { model: request.model, key, parts, holder: stepFolder(request), token: own.holder };
  const claimed = await claimStep(store, claim, { signal: beat.signal, onWait: (text) => beat.note(text) });
  if (claimed.kept !== null) return publishKept(dependencies, request, { attempt, kept: claimed.kept });
  const { lease, lost } = claimed;
  // Neither is worth a training that is done: the next equal one is computed, or waits a minute.
  const told = (error: unknown) => beat.note(`The step cache was not written: ${String(error)}`);
  try {
    const why = lost ?? missSentence(parts, await keptTrainings(store, request.model));
    const cache: StepCacheUse = { ...key, outcome: 'miss', why };
    const computed = await computeTraining(dependencies, request, { ...attempt, cache });
    const trained = await publishTraining(store, own, computed);
    const { run, stepId } = request;
    await lease.keep({ run, stepId, keptAt: dependencies.now(), trained }).catch(told);
    return trained;
  } finally {
    await lease.release().catch(told);
  }
}

function partsOf(dependencies: TrainingDependencies, request: TrainingRequest, attempt: Ready) {
  const { featuresFile, activitiesFile, held } = attempt;
  return cacheParts(dependencies, request, { featuresFile, activitiesFile, device: held?.device?.name ?? null });
}

/** Makes the result of another run this step's result. Its record says what made the model; run, times, usage and cost are this step's own. */
async function publishKept(
  dependencies: TrainingDependencies,
  request: TrainingRequest,
  { attempt, kept }: { readonly attempt: Ready; readonly kept: KeptTraining },
): Promise<TrainedModel> {
  const { store } = dependencies;
  const { own, prices, startedAt, held } = attempt;
  const parts = await partsOf(dependencies, request, attempt);
  const why = `Computed by ${kept.run.workflowId} (${kept.run.runId}) in step ${kept.stepId}, kept ${kept.keptAt}.`;
  const cache: StepCacheUse = { ...stepCacheKey(parts), outcome: 'hit', why };
  const elapsedMs = performance.now() - attempt.began;
  const gpuSeconds = held?.heldSeconds() ?? 0;
  const usage = { elapsedMs, cpuSeconds: 0, gpuSeconds, peakMemoryMiB: 0, bytesRead: 0, bytesWritten: 0 };
  const original = await readTrainingRecord(store, kept.trained.record);
  const record: TrainingRecord = {
    ...original,
    run: request.run,
    stepId: request.stepId,
    attempt: own.attempt,
    startedAt,
    endedAt: dependencies.now(),
    usage,
    cost: costOf(prices, usage, held?.device ?? null),
    cache,
  };
  const pin = await writeTrainingRecord(store, `${stepFolder(request)}attempt-${own.attempt}/training.json`, record);
  return publishTraining(store, own, { ...kept.trained, record: pin, cache, elapsedMs });
}
