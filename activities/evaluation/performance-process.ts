import { toFailure } from '../../domain/failure.ts';
import { openPackedModel, type PackedModel } from './packed-model.ts';
import type { PerformanceFigures, PerformanceJob, PerformanceMessage } from './performance-job.ts';

/*
 * A fresh process that holds one model, as a model server does: its memory and its times are the model's own. Its parent sends one
 * PerformanceJob. The process ends when the channel closes, whatever way the parent went.
 */
process.once('disconnect', () => process.exit(1));
process.once('message', (job: PerformanceJob) => {
  void run(job);
});

/** Answers that nobody counts: the engine compiles what it has seen often. */
const warmUp = 50;
/** A batch that takes longer would take hours of a slow model. */
const longestBatchMs = 1_000;

async function run(job: PerformanceJob): Promise<void> {
  try {
    const model = await openPackedModel(job.packageFolder);
    await model.answer(job.inputs.slice(0, 1));
    send({ type: 'first' });
    const figures = await measure(model, job);
    send({ type: 'done', figures }, () => process.exit(0));
  } catch (error) {
    send({ type: 'failed', failure: toFailure(error, 'MODEL_INVALID') }, () => process.exit(0));
  }
}

async function measure(model: PackedModel, { inputs, load }: PerformanceJob): Promise<PerformanceFigures> {
  if (load === null) return { latenciesMs: [], batchedRows: 0, batchedMs: 0, residentBytes: process.memoryUsage.rss() };
  const warming = performance.now();
  for (let row = 0; row < warmUp; row += 1) await model.answer(cycled(inputs, row, 1));
  const began = performance.now();
  const fitting = Math.ceil((longestBatchMs * warmUp) / (began - warming));
  const latenciesMs: number[] = [];
  while (latenciesMs.length < load.singles && performance.now() - began < load.mostMs) {
    const one = cycled(inputs, latenciesMs.length, 1);
    const start = performance.now();
    await model.answer(one);
    latenciesMs.push(performance.now() - start);
  }
  const batched = await measureBatches(model, inputs, { ...load, batchRows: Math.min(load.batchRows, fitting) });
  return { latenciesMs, ...batched, residentBytes: process.memoryUsage.rss() };
}

/** Whole batches until a fifth of the time is used; the first is not timed. */
async function measureBatches(
  model: PackedModel,
  inputs: PerformanceJob['inputs'],
  { batchRows, mostMs }: NonNullable<PerformanceJob['load']>,
): Promise<Pick<PerformanceFigures, 'batchedRows' | 'batchedMs'>> {
  if (batchRows === 0) return { batchedRows: 0, batchedMs: 0 };
  const batch = cycled(inputs, 0, batchRows);
  await model.answer(batch);
  const start = performance.now();
  let batchedRows = 0;
  do {
    await model.answer(batch);
    batchedRows += batchRows;
  } while (performance.now() - start < mostMs / 5);
  return { batchedRows, batchedMs: performance.now() - start };
}

function cycled(inputs: PerformanceJob['inputs'], from: number, count: number): PerformanceJob['inputs'] {
  return Array.from({ length: count }, (_, place) => inputs[(from + place) % inputs.length]).filter(
    (input) => input !== undefined,
  );
}

function send(message: PerformanceMessage, sent: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, sent);
}
