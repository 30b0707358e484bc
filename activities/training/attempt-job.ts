import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isCoded } from '../../domain/errors.ts';
import type { Checkpoint, TrainerSpec } from '../../domain/trainer.ts';
import { createObjectCache } from '../../stores/object-cache.ts';
import { mapParallel } from '../../stores/parallel.ts';
import { openSlice } from '../../stores/slices.ts';
import type { TrainingJob } from '../../training/training-job.ts';
import type { Beat } from '../heartbeat.ts';
import type { Attempt } from './compute-training.ts';
import type { TrainingRequest } from './contract.ts';
import type { TrainingDependencies } from './dependencies.ts';

/** What an attempt trains on, on this machine. `cpuSeconds` are those of this process while it read, other steps' beside it included. */
export type AttemptInputs = {
  readonly slice: Pick<TrainingJob, 'parquetFiles' | 'where'>;
  readonly resume: TrainingJob['resume'];
  readonly read: { readonly bytes: number; readonly cpuSeconds: number };
};

const parallelReads = 4;

/** Fetches the data, and the checkpoint to go on from: the step's own newest, else the one that the request names. */
export async function openInputs(
  dependencies: TrainingDependencies,
  request: TrainingRequest,
  { own, beat }: Pick<Attempt, 'own' | 'beat'>,
): Promise<AttemptInputs> {
  const before = process.cpuUsage();
  const slice = await openSlice(dependencies, request.data);
  const resume = await localCheckpoint(dependencies, own.checkpoint ?? request.from ?? null, beat);
  const { user, system } = process.cpuUsage(before);
  const sizes = await mapParallel(slice.parquetFiles, parallelReads, async (file) => (await stat(file)).size);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return { slice, resume, read: { bytes, cpuSeconds: (user + system) / 1e6 } };
}

/** What the trainer is told. `place` names a folder of its own for each try with a smaller batch. */
export function jobOf(
  dependencies: TrainingDependencies,
  { data, target, seed }: TrainingRequest,
  {
    attempt,
    trainer,
    inputs,
    place,
  }: {
    readonly attempt: Attempt;
    readonly trainer: TrainerSpec;
    readonly inputs: AttemptInputs;
    readonly place: string;
  },
): TrainingJob {
  const { featuresFile, activitiesFile, held, scratch } = attempt;
  const { projectFolder, environmentsFolder, python } = dependencies;
  const devices = held?.device ? [held.device.uuid] : [];
  return {
    ...inputs.slice,
    dataset: data.snapshot.dataset,
    featuresFile,
    target,
    trainer,
    seed,
    outputFolder: join(scratch, place, 'package'),
    checkpointFolder: join(scratch, place, 'checkpoints'),
    resume: inputs.resume,
    program: trainer.kind === 'dense' ? null : { projectFolder, environmentsFolder, python, activitiesFile, devices },
  };
}

/** A checkpoint that is gone costs time, not the training. */
async function localCheckpoint(
  dependencies: TrainingDependencies,
  checkpoint: Checkpoint | null,
  beat: Beat,
): Promise<TrainingJob['resume']> {
  if (checkpoint === null) return null;
  const { step, file } = checkpoint;
  try {
    return { step, file: await createObjectCache(dependencies.store, dependencies.cacheFolder).localFile(file) };
  } catch (error) {
    if (!isCoded(error, 'EVIDENCE_ALTERED')) throw error;
    beat.note(`The checkpoint of step ${step} is not what was kept: begins anew`);
    return null;
  }
}
