import { CodedError } from '../domain/errors.ts';
import { type RunKey, runFolder } from '../domain/run.ts';
import type { ObjectPin } from '../domain/snapshot.ts';
import type { Checkpoint, TrainedModel } from '../domain/trainer.ts';
import { readDocument, updateDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';

/**
 * `runs/…/artifacts/<step>/attempt.json`: the newest attempt of a training step, the newest checkpoint of all its attempts, and at last
 * the result. Moved by compare-and-set, so that of several attempts only the newest may publish.
 */
export type TrainingAttempts = {
  /** Number of the newest attempt, from 1. */
  readonly attempt: number;
  /** Names the newest attempt's process: a write whose answer was lost is recognised by it. */
  readonly holder: string;
  readonly startedAt: string;
  readonly checkpoint: Checkpoint | null;
  /** Metric points up to the checkpoint: whoever goes on from it need not report them again. */
  readonly points: ObjectPin | null;
  readonly published: TrainedModel | null;
};

/** One attempt of a training step, as its own process holds it. */
export type OwnAttempt = { readonly key: string; readonly attempt: number; readonly holder: string };

/** An attempt, with what stood when it began. */
export type BegunAttempt = OwnAttempt & Pick<TrainingAttempts, 'checkpoint' | 'points' | 'published'>;

/** A training step within a run. */
export type TrainingStep = { readonly run: RunKey; readonly stepId: string };

/** The folder of a training step's artifacts, with a slash at the end. */
export function stepFolder({ run, stepId }: TrainingStep): string {
  return `${runFolder(run)}artifacts/${stepId}/`;
}

/** What is known of a step's attempts; null: none has begun. */
export async function readAttempts(store: ObjectStore, step: TrainingStep): Promise<TrainingAttempts | null> {
  return (await readDocument<TrainingAttempts>(store, attemptKey(step)))?.value ?? null;
}

/**
 * Takes the next number and gives what stands then: where a result is published, the attempt has nothing to do and takes none.
 */
export async function beginAttempt(
  store: ObjectStore,
  step: TrainingStep,
  own: { readonly holder: string; readonly startedAt: string },
): Promise<BegunAttempt> {
  const key = attemptKey(step);
  const { value } = await updateDocument<TrainingAttempts>(store, key, (current) => {
    if (current !== null && (current.published !== null || current.holder === own.holder)) return current;
    const { checkpoint, points } = current ?? { checkpoint: null, points: null };
    return { attempt: (current?.attempt ?? 0) + 1, ...own, checkpoint, points, published: null };
  });
  const { attempt, checkpoint, points, published } = value;
  return { key, attempt, holder: own.holder, checkpoint, points, published };
}

/**
 * Makes a checkpoint the one that the next attempt goes on from, with the metric points up to it.
 *
 * @throws CodedError CONFLICT when a newer attempt has begun.
 */
export async function recordCheckpoint(
  store: ObjectStore,
  own: OwnAttempt,
  { checkpoint, points }: { readonly checkpoint: Checkpoint; readonly points: ObjectPin | null },
): Promise<void> {
  await updateDocument<TrainingAttempts>(store, own.key, (current) => {
    const standing = requireNewest(current, own);
    return standing.published !== null ? standing : { ...standing, checkpoint, points };
  });
}

/**
 * Makes a result the step's result; doing it again with the same attempt is fine.
 *
 * @throws CodedError CONFLICT when a newer attempt has begun, or ended.
 */
export async function publishTraining(
  store: ObjectStore,
  own: OwnAttempt,
  trained: TrainedModel,
): Promise<TrainedModel> {
  const { value } = await updateDocument<TrainingAttempts>(store, own.key, (current) => {
    const standing = requireNewest(current, own);
    return standing.published !== null ? standing : { ...standing, published: trained };
  });
  return value.published ?? trained;
}

function requireNewest(current: TrainingAttempts | null, own: OwnAttempt): TrainingAttempts {
  if (current !== null && current.holder === own.holder) return current;
  throw new CodedError(
    'CONFLICT',
    `Attempt ${own.attempt} of ${own.key} is not the newest: attempt ${current?.attempt ?? 'none'} is. Nothing was written; the newer attempt's result counts.`,
    { details: { key: own.key, attempt: own.attempt, newest: current?.attempt ?? null } },
  );
}

function attemptKey(step: TrainingStep): string {
  return `${stepFolder(step)}attempt.json`;
}
