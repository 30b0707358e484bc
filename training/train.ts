import { randomUUID } from 'node:crypto';
import { removeFolder } from '../stores/local-files.ts';
import { type ChildTrainer, trainInChild } from './in-child.ts';
import { endAttempt } from './program/attempt-processes.ts';
import { programWorkFolder } from './program/work-folder.ts';
import type { TrainingEvents, TrainingJob, TrainingResult } from './training-job.ts';

export type { TrainingEvents, TrainingJob, TrainingResult } from './training-job.ts';

/** What a training needs beside its job. */
export type TrainOptions = TrainingEvents & { readonly signal: AbortSignal };

/**
 * The built-in trainer has nothing to tidy up on SIGTERM: what is still there after two seconds hangs. It says every few seconds that it lives,
 * unless a feature function does not return.
 */
const builtIn = {
  entry: entry('trainer-process'),
  graceMs: 2_000,
  silentForMs: 600_000,
  suspect: 'a feature function that does not return',
};
/** Longer than the ten seconds that a program has after SIGTERM. */
const programGraceMs = 15_000;
/** What the check of a model may take beyond the time that its program may be silent. */
const checkMs = 120_000;

/**
 * The port of all trainers: trains in a process of its own and returns when that process, and all that it started, has ended.
 *
 * @throws CodedError the trainer's own error (INPUT_INVALID, DATA_UNREADABLE, FEATURES_INVALID, MODEL_INVALID, TRAINING_FAILED,
 * TRAINING_INTERRUPTED, DEVICE_MEMORY_EXHAUSTED, ENVIRONMENT_UNOBTAINABLE, DISK_FULL), or TRAINING_FAILED with its last lines when it ended
 * without a word; the signal's reason when it was aborted.
 */
export async function train(job: TrainingJob, options: TrainOptions): Promise<TrainingResult> {
  const { trainer } = job;
  switch (trainer.kind) {
    case 'dense':
      return trainInChild({ ...builtIn, environment: process.env }, job, options);
    case 'program':
    case 'activity':
      return trainProgramInChild(job, { ...options, silentForMs: trainer.silentForMs });
    default:
      return trainer satisfies never;
  }
}

/** Where the child itself was killed, what it had started is found by the attempt's name, and its work folder by that of the output. */
async function trainProgramInChild(
  job: TrainingJob,
  options: TrainOptions & { readonly silentForMs: number },
): Promise<TrainingResult> {
  const attempt = randomUUID();
  const child: ChildTrainer = {
    entry: entry('program/program-process'),
    graceMs: programGraceMs,
    silentForMs: options.silentForMs + checkMs,
    suspect: 'the exported model',
    environment: { ...process.env, PERDURA_ATTEMPT: attempt },
  };
  try {
    return await trainInChild(child, job, options);
  } catch (error) {
    await removeFolder(job.outputFolder);
    throw error;
  } finally {
    await endAttempt(attempt);
    await removeFolder(programWorkFolder(job));
  }
}

function entry(name: string): URL {
  const built = import.meta.url.endsWith('.ts') ? `../dist/training/${name}.js` : `./${name}.js`;
  return new URL(built, import.meta.url);
}
