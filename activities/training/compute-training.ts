import { join } from 'node:path';
import { type PackageFile, packageFiles } from '../../domain/model-package.ts';
import type { ObjectPin } from '../../domain/snapshot.ts';
import type { StepCacheUse } from '../../domain/step-cache.ts';
import type { Checkpoint, MetricPoint, TrainedModel, TrainerSpec } from '../../domain/trainer.ts';
import type { PriceTable, TrainingRecord, Usage } from '../../domain/training-record.ts';
import type { TrainingResult } from '../../training/training-job.ts';
import { pinFileOnce } from '../../stores/artifacts.ts';
import { sha256File } from '../../stores/digest.ts';
import { mapParallel } from '../../stores/parallel.ts';
import { openTables } from '../../stores/tables.ts';
import { type BegunAttempt, stepFolder } from '../../stores/training-attempts.ts';
import { readPointsSoFar, writeMetricPoints, writeTrainingRecord } from '../../stores/training-records.ts';
import { train } from '../../training/train.ts';
import type { Beat } from '../heartbeat.ts';
import { type AttemptInputs, jobOf, openInputs } from './attempt-job.ts';
import type { TrainingRequest } from './contract.ts';
import { costOf } from './cost.ts';
import type { TrainingDependencies } from './dependencies.ts';
import type { HeldDevice } from './devices.ts';
import { hardwareOf } from './hardware.ts';
import { keepCheckpoints } from './keep-checkpoints.ts';
import { type MetricTrack, trackMetrics } from './track-training.ts';
import { withSmallerBatch } from './with-smaller-batch.ts';

/** What an attempt has at hand when it begins to compute. */
export type Attempt = {
  readonly own: BegunAttempt;
  readonly startedAt: string;
  /** By `performance.now()`. */
  readonly began: number;
  /** A folder of this attempt alone. */
  readonly scratch: string;
  readonly beat: Beat;
  readonly featuresFile: string;
  readonly activitiesFile: string | null;
  /** Null: none was asked for. */
  readonly held: HeldDevice | null;
  readonly prices: PriceTable | null;
  readonly cache: StepCacheUse;
};

/** What came of the trainer, before anything of it is in the bucket. */
type Computed = {
  readonly result: TrainingResult;
  /** What was trained: with a smaller batch where the device had no room for the one asked for. */
  readonly trainer: TrainerSpec;
  readonly checkpoint: Checkpoint | null;
  readonly track: MetricTrack;
  readonly read: AttemptInputs['read'];
  readonly checkpointBytes: number;
};

const parallelUploads = 4;

/**
 * Trains and brings everything into the bucket below the attempt's own folder: package files, metric points, artifacts, `training.json`.
 * Nothing of it counts before the attempt is published.
 */
export async function computeTraining(
  dependencies: TrainingDependencies,
  request: TrainingRequest,
  attempt: Attempt,
): Promise<TrainedModel> {
  const computed = await runTrainer(dependencies, request, attempt);
  const folder = `${stepFolder(request)}attempt-${attempt.own.attempt}/`;
  const upload = (name: string, file: string) => pinFileOnce(dependencies.store, `${folder}${name}`, file);
  const { result, trainer, track } = computed;
  const pins = await Promise.all(
    packageFiles.map(async (name): Promise<[PackageFile, ObjectPin]> => [name, await upload(name, result.files[name])]),
  );
  const artifacts = await mapParallel(result.artifacts, parallelUploads, ({ name, path }) =>
    upload(`artifacts/${name}`, path),
  );
  const points = await pinPoints(track.points(), attempt.scratch, upload);
  const written = [...pins.map(([, pin]) => pin), ...artifacts, ...(points === null ? [] : [points])];
  const usage = usageOf(computed, attempt, written);
  const record = await writeTrainingRecord(
    dependencies.store,
    `${folder}training.json`,
    recordOf(dependencies, request, {
      attempt,
      computed,
      artifacts,
      points,
      usage,
      features: await featuresOf(attempt),
    }),
  );
  return {
    model: request.model,
    signature: result.signature,
    trainer,
    seed: request.seed,
    data: request.data,
    files: Object.fromEntries(pins) as Record<PackageFile, ObjectPin>,
    summary: result.summary,
    metrics: track.last(),
    record,
    checkpoint: computed.checkpoint,
    cache: attempt.cache,
    elapsedMs: usage.elapsedMs,
  };
}

async function runTrainer(
  dependencies: TrainingDependencies,
  request: TrainingRequest,
  attempt: Attempt,
): Promise<Computed> {
  const { beat, own } = attempt;
  const superseded = new AbortController();
  const note = (text: string) => beat.note(text);
  const track = trackMetrics(note);
  const checkpoints = keepCheckpoints(dependencies.store, {
    ...request,
    own,
    points: () => track.points(),
    onNote: note,
    onSuperseded: (reason) => superseded.abort(reason),
  });
  const inputs = await openInputs(dependencies, request, attempt);
  if (inputs.resume !== null && own.points !== null)
    track.restore((await readPointsSoFar(dependencies.store, own.points)) ?? []);
  const options = {
    signal: AbortSignal.any([beat.signal, superseded.signal]),
    onMetric(point: MetricPoint) {
      track.add(point);
      beat.note(`${point.name} ${point.value.toFixed(4)} after step ${point.step}`);
    },
    onCheckpoint: (checkpoint: { readonly step: number; readonly file: string }) => checkpoints.offer(checkpoint),
    onProgress: note,
  };
  let tries = 0;
  const trainOnce = (trainer: TrainerSpec) =>
    train(jobOf(dependencies, request, { attempt, trainer, inputs, place: `${(tries += 1)}` }), options);
  try {
    const trained = await withSmallerBatch(request.trainer, { attempt: trainOnce, onSmaller: note });
    const { newest, bytesWritten } = await checkpoints.finish();
    return {
      ...trained,
      track,
      checkpoint: newest ?? own.checkpoint,
      checkpointBytes: bytesWritten,
      read: inputs.read,
    };
  } finally {
    // Also of a trainer that failed: it may be tried again from what it left.
    await checkpoints.settled();
  }
}

async function pinPoints(
  points: readonly MetricPoint[],
  scratch: string,
  upload: (name: string, file: string) => Promise<ObjectPin>,
): Promise<ObjectPin | null> {
  if (points.length === 0) return null;
  const file = join(scratch, 'metrics.parquet');
  const tables = await openTables({ memoryLimit: '256MiB', temporaryFolder: scratch });
  try {
    await writeMetricPoints(tables, points, { file, scratch: `${file}.jsonl` });
  } finally {
    tables.close();
  }
  return upload('metrics.parquet', file);
}

function usageOf(computed: Computed, { began, held }: Attempt, written: readonly ObjectPin[]): Usage {
  const { result, read, checkpointBytes } = computed;
  return {
    elapsedMs: performance.now() - began,
    cpuSeconds: result.usage.cpuSeconds + read.cpuSeconds,
    gpuSeconds: held?.heldSeconds() ?? 0,
    peakMemoryMiB: result.usage.peakMemoryMiB,
    bytesRead: read.bytes,
    bytesWritten: written.reduce((sum, pin) => sum + pin.sizeBytes, checkpointBytes),
  };
}

async function featuresOf({ featuresFile }: Attempt): Promise<string> {
  return sha256File(featuresFile);
}

function recordOf(
  { environment, now }: TrainingDependencies,
  request: TrainingRequest,
  parts: {
    readonly attempt: Attempt;
    readonly computed: Computed;
    readonly artifacts: readonly ObjectPin[];
    readonly points: ObjectPin | null;
    readonly usage: Usage;
    readonly features: string;
  },
): TrainingRecord {
  const { attempt, computed, artifacts, points, usage, features } = parts;
  const { run, stepId, model, seed, target, data } = request;
  const device = attempt.held?.device ?? null;
  return {
    run,
    stepId,
    model,
    attempt: attempt.own.attempt,
    startedAt: attempt.startedAt,
    endedAt: now(),
    trainer: computed.trainer,
    seed,
    target,
    data,
    features: { pipeline: request.features, sha256: features },
    environment,
    python: computed.result.python,
    hardware: hardwareOf(device === null ? [] : [device]),
    rows: computed.result.rows,
    metrics: computed.track.last(),
    points,
    usage,
    cost: costOf(attempt.prices, usage, device),
    cache: attempt.cache,
    artifacts,
  };
}
