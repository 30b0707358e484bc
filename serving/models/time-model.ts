import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, isCoded } from '../../domain/errors.ts';
import type { EncodedRows } from '../../domain/features.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { createBatcher } from './batcher.ts';
import { findCuda } from './cuda.ts';
import { loadModel, type LoadPlan } from './load-model.ts';
import type { LoadedModel, ModelRun } from './loaded-model.ts';
import type { ModelPlan } from './model-plan.ts';
import { readSampleRows } from './sample-rows.ts';

/** What a package took on one provider; times are medians in milliseconds. */
export type Timings = {
  readonly provider: ModelPlan['provider'];
  readonly loadMs: number;
  /** One row, by the threads it was computed with, from one up. */
  readonly threads: readonly { readonly threads: number; readonly rowMs: number }[];
  /** One run of so many rows, from 1 up, with the fastest number of threads. */
  readonly batches: readonly { readonly rows: number; readonly ms: number }[];
  /** A row of several requests that come together, each by itself and sharing runs, with all that is around the model. */
  readonly together: { readonly aloneMs: number; readonly sharedMs: number };
  /** What the package took of the memory: loaded and having answered one row; having answered the largest batch. */
  readonly rowBytes: number;
  readonly batchBytes: number;
};

export type TimeOptions = {
  readonly cores: number;
  /** A row that takes longer is computed in a host, where more threads than one may be worth it. */
  readonly hostFromMs: number;
};

type Package = { readonly reference: ModelReference; readonly folder: string };

const batchSizes = [1, 2, 4, 8, 16, 32, 64] as const;
const callersTogether = 8;
const timingAtMostMs = 200;
const [leastRuns, mostRuns] = [5, 200];
/** Larger batches are not tried where one takes this long: no caller waits for that. */
const longestRunMs = 1_000;
/** A number of threads is taken only where it is faster by a tenth: others have use for the processors too. */
const worthThreads = 0.9;

/**
 * Loads a package and times it. For a process of its own: what it leaves in memory is left there.
 *
 * @throws CodedError those of `loadModel`; DEVICE_MEMORY_EXHAUSTED, SERVICE_UNAVAILABLE.
 */
export async function timeModel(
  found: Package,
  provider: ModelPlan['provider'],
  options: TimeOptions,
): Promise<Timings> {
  const memory = await memoryMeter(found, provider);
  const startedAt = performance.now();
  let model = await loadModel(found.reference, found.folder, planFor(provider, 1));
  const loadMs = performance.now() - startedAt;
  const sample = await readSampleRows(found.folder, model.signature);
  const one = sample(1);
  const threads = [{ threads: 1, rowMs: await medianMs(() => model.run(one)) }];
  const rowBytes = await memory.grown();

  if (provider === 'cpu' && (threads[0]?.rowMs ?? 0) >= options.hostFromMs) {
    for (let count = 2; count <= options.cores; count *= 2) {
      const other = await loadModel(found.reference, found.folder, planFor(provider, count));
      threads.push({ threads: count, rowMs: await medianMs(() => other.run(one)) });
      if (fastestThreads(threads) !== count) await other.close();
      else {
        await model.close();
        model = other;
      }
    }
  }
  const batches = await timeBatches(model, sample);
  const together = await timeTogether(model, one);
  const batchBytes = Math.max(rowBytes, await memory.grown());
  await model.close();
  return { provider, loadMs, threads, batches, together, rowBytes, batchBytes };
}

/** The number of threads that is worth it. */
export function fastestThreads(tried: Timings['threads']): number {
  let [best] = tried;
  for (const one of tried) if (best === undefined || one.rowMs < best.rowMs * worthThreads) best = one;
  return best?.threads ?? 1;
}

function planFor(provider: ModelPlan['provider'], threads: number): LoadPlan {
  return { provider, threads, maxRows: Number.MAX_SAFE_INTEGER, measured: { memoryBytes: 0 } };
}

async function timeBatches(model: LoadedModel, sample: (rows: number) => EncodedRows): Promise<Timings['batches']> {
  const batches: { rows: number; ms: number }[] = [];
  for (const rows of batchSizes) {
    const batch = sample(rows);
    const ms = await medianMs(() => model.run(batch));
    batches.push({ rows, ms });
    if (2 * ms > longestRunMs) break;
  }
  return batches;
}

/** Of the clock on the wall, since what sharing saves and costs lies mostly outside the model. */
async function timeTogether(model: LoadedModel, one: EncodedRows): Promise<Timings['together']> {
  const batcher = createBatcher((rows) => model.run(rows), { rows: callersTogether, waitMs: 0 });
  const callers = Array.from({ length: callersTogether });
  const all = (run: (rows: EncodedRows) => Promise<ModelRun>) => async () => {
    const startedAt = performance.now();
    await Promise.all(callers.map(() => run(one)));
    return { computeMs: performance.now() - startedAt };
  };
  return {
    aloneMs: (await medianMs(all((rows) => model.run(rows)))) / callersTogether,
    sharedMs: (await medianMs(all((rows) => batcher.run(rows)))) / callersTogether,
  };
}

async function medianMs(run: () => Promise<Pick<ModelRun, 'computeMs'>>): Promise<number> {
  // The first run of a size allocates.
  await timeRun(run);
  const times: number[] = [];
  const until = performance.now() + timingAtMostMs;
  while (times.length < leastRuns || (times.length < mostRuns && performance.now() < until)) {
    times.push(await timeRun(run));
    if (performance.now() > until + longestRunMs) break;
  }
  times.sort((a, b) => a - b);
  return times[times.length >> 1] ?? 0;
}

/** A package may well answer no number to made-up rows, or only break as a shadow: that is for its log to say, and takes time like an answer. */
async function timeRun(run: () => Promise<Pick<ModelRun, 'computeMs'>>): Promise<number> {
  const startedAt = performance.now();
  try {
    return (await run()).computeMs;
  } catch (error) {
    if (!isCoded(error, 'MODEL_INVALID')) throw error;
    return performance.now() - startedAt;
  }
}

/** Reads what the process has grown by since now: its own memory, or that of the GPU. */
async function memoryMeter(
  { reference, folder }: Package,
  provider: ModelPlan['provider'],
): Promise<{ grown(): Promise<number> }> {
  if (provider === 'cpu') {
    const before = process.memoryUsage.rss();
    return { grown: async () => Math.max(0, process.memoryUsage.rss() - before) };
  }
  const before = await freeVideoMemory();
  const { size } = await stat(join(folder, 'model.onnx'));
  // Weights, as much again for what is computed, and the provider's own part.
  const needed = 2 * size + 512 * 1024 * 1024;
  if (before >= needed) return { grown: async () => Math.max(0, before - (await freeVideoMemory())) };
  throw new CodedError(
    'DEVICE_MEMORY_EXHAUSTED',
    `Model ${reference.model} version ${reference.modelVersion} needs about ${needed} bytes of the GPU's memory, ${before} are free. Free some, or serve it on the CPU.`,
  );
}

async function freeVideoMemory(): Promise<number> {
  const cuda = await findCuda();
  if (cuda.usable) return cuda.freeBytes;
  throw new CodedError('SERVICE_UNAVAILABLE', `No GPU can be used: ${cuda.why}. Install it, or serve on the CPU.`);
}
