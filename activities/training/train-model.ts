import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, isCoded } from '../../domain/errors.ts';
import type { TrainedModel } from '../../domain/trainer.ts';
import { orDiskFull, removeFolder } from '../../stores/local-files.ts';
import { beginAttempt, type OwnAttempt, readAttempts } from '../../stores/training-attempts.ts';
import { attemptTraining } from './attempt.ts';
import type { TrainingRequest } from './contract.ts';
import type { TrainingDependencies } from './dependencies.ts';

/**
 * Trains in a child process and keeps the result under the run's folder. Idempotent by run and stepId: an attempt that finds a result
 * returns it, one that does not takes the next number and goes on from the newest checkpoint. Of several attempts at once the newest
 * publishes; an older one that wakes up gives back what the newer one published.
 *
 * @throws CodedError TRAINING_INTERRUPTED (retryable) when a newer attempt is at work; whatever the trainer throws.
 */
export async function trainModel(dependencies: TrainingDependencies, request: TrainingRequest): Promise<TrainedModel> {
  const own = await beginAttempt(dependencies.store, request, {
    holder: randomUUID(),
    startedAt: dependencies.now(),
  });
  if (own.published !== null) return own.published;

  await mkdir(dependencies.workFolder, { recursive: true });
  // Of its own: an attempt that was taken for dead may still be at work. Trials of a search have a slash in their step.
  const name = `${request.run.runId}-${request.stepId.replaceAll('/', '-')}-`;
  const scratch = await mkdtemp(join(dependencies.workFolder, name));
  try {
    return await attemptTraining(dependencies, request, { own, scratch, startedAt: dependencies.now() });
  } catch (error) {
    return await newerResult(dependencies, request, { own, error: orDiskFull(error, scratch) });
  } finally {
    await removeFolder(scratch);
  }
}

/**
 * Temporal ignores what an attempt says that it gave up. But the order in which numbers were taken need not be Temporal's: where the older
 * number belongs to the attempt that is waited for, it must not fail the step. So it gives what was published, or asks to be tried again.
 */
async function newerResult(
  { store }: TrainingDependencies,
  request: TrainingRequest,
  { own, error }: { readonly own: OwnAttempt; readonly error: unknown },
): Promise<TrainedModel> {
  if (!isCoded(error, 'CONFLICT')) throw error;
  const standing = await readAttempts(store, request);
  if (standing !== null && standing.published !== null) return standing.published;
  if (standing === null || standing.holder === own.holder) throw error;
  throw new CodedError(
    'TRAINING_INTERRUPTED',
    `Attempt ${own.attempt} of ${request.stepId} gave way to attempt ${standing.attempt}. It is tried again from the newest checkpoint.`,
    { cause: error },
  );
}
