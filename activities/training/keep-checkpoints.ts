import { basename } from 'node:path';
import { isCoded } from '../../domain/errors.ts';
import { runFolder } from '../../domain/run.ts';
import type { ObjectPin } from '../../domain/snapshot.ts';
import type { Checkpoint, MetricPoint } from '../../domain/trainer.ts';
import { pinFileOnce } from '../../stores/artifacts.ts';
import { sha256File } from '../../stores/digest.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { type OwnAttempt, recordCheckpoint, type TrainingStep } from '../../stores/training-attempts.ts';
import { keepPointsSoFar } from '../../stores/training-records.ts';

/** Brings the checkpoints of one attempt into the bucket while it trains. */
export type CheckpointKeeper = {
  /** Takes a new checkpoint; returns at once. Of several that wait only the newest is kept. */
  offer(checkpoint: { readonly step: number; readonly file: string }): void;
  /** Waits until nothing is under way; a trainer that failed may be tried again from what it left. */
  settled(): Promise<void>;
  /** Waits until the newest is kept, and says which it is and what was written. Throws where it could not be kept. */
  finish(): Promise<{ readonly newest: Checkpoint | null; readonly bytesWritten: number }>;
};

type KeeperOptions = TrainingStep & {
  readonly own: OwnAttempt;
  /** The metric points so far. */
  readonly points: () => readonly MetricPoint[];
  /** A checkpoint that could not be kept; the training goes on, and the next one is tried. */
  readonly onNote: (text: string) => void;
  /** A newer attempt has begun: this one works for nothing. */
  readonly onSuperseded: (reason: unknown) => void;
};

/** Opens the keeper of an attempt. One upload at a time, in the background: training never waits for it. */
export function keepCheckpoints(store: ObjectStore, options: KeeperOptions): CheckpointKeeper {
  let waiting: Offered | null = null;
  let working: Promise<void> | null = null;
  let newest: Checkpoint | null = null;
  let bytesWritten = 0;
  let failure: unknown = null;
  const keepAll = async () => {
    for (let next = waiting; next !== null; next = waiting) {
      waiting = null;
      try {
        const kept = await keepOne(store, options, next);
        failure = null;
        if (kept === null) continue;
        newest = kept.checkpoint;
        bytesWritten += kept.checkpoint.file.sizeBytes + (kept.points?.sizeBytes ?? 0);
      } catch (error) {
        failure = error;
        if (isCoded(error, 'CONFLICT')) options.onSuperseded(error);
        else options.onNote(`The checkpoint of step ${next.step} could not be kept: ${messageOf(error)}`);
      }
    }
    working = null;
  };
  return {
    offer(checkpoint) {
      waiting = { ...checkpoint, points: options.points() };
      working ??= keepAll();
    },
    async settled() {
      await working;
    },
    async finish() {
      await working;
      if (failure !== null) throw failure;
      return { newest, bytesWritten };
    },
  };
}

/** A checkpoint as it was reported, with the points that were reported before it. */
type Offered = { readonly step: number; readonly file: string; readonly points: readonly MetricPoint[] };

/** Null: the trainer wrote over the file meanwhile, which the contract forbids. A pin of other bytes would cost the whole way so far. */
async function keepOne(
  store: ObjectStore,
  { run, stepId, own, onNote }: KeeperOptions,
  offered: Offered,
): Promise<{ readonly checkpoint: Checkpoint; readonly points: ObjectPin | null } | null> {
  const { step, file } = offered;
  const folder = `${runFolder(run)}checkpoints/${stepId}/`;
  const pin = await pinUnchanged(store, folder, offered);
  if (pin === null) {
    onNote(
      `The checkpoint of step ${step} changed while it was kept: write each under a name of its own (${basename(file)})`,
    );
    return null;
  }
  const points =
    offered.points.length === 0
      ? null
      : await keepPointsSoFar(store, `${folder}points-${own.attempt}-${step}.json.gz`, offered.points);
  const kept = { checkpoint: { step, file: pin }, points };
  await recordCheckpoint(store, own, kept);
  return kept;
}

async function pinUnchanged(store: ObjectStore, folder: string, { step, file }: Offered): Promise<ObjectPin | null> {
  const sha256 = await sha256File(file);
  try {
    const pin = await pinFileOnce(store, `${folder}${step}-${sha256.slice(0, 8)}`, file);
    return pin.sha256 === sha256 && (await sha256File(file)) === sha256 ? pin : null;
  } catch (error) {
    // What stands there was written over while an earlier attempt kept it.
    if (isCoded(error, 'CONFLICT')) return null;
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
