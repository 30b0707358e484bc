import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingDependencies } from '../../../activities/training/dependencies.ts';
import { trainModel } from '../../../activities/training/train-model.ts';
import type { TrainingRecord } from '../../../domain/training-record.ts';
import { CodedError } from '../../../domain/errors.ts';
import { createObjectCache } from '../../../stores/object-cache.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { openTables } from '../../../stores/tables.ts';
import { beginAttempt, readAttempts } from '../../../stores/training-attempts.ts';
import { listTrainingRecords, readMetricPoints } from '../../../stores/training-records.ts';
import { codeOf } from '../../contracts/object-store.ts';
import { rejection } from '../../support/embedded.ts';
import { environment, openTrainingBench, type TrainingBench } from './training-bench.ts';

let bench: TrainingBench;
beforeAll(async () => {
  bench = await openTrainingBench();
});
afterAll(() => bench.close());

const startedAt = '2001-01-01T00:00:00.000Z';

/** A store that runs something before its first write of a key that ends so. */
function before(store: ObjectStore, ending: string, happen: () => Promise<unknown>): ObjectStore {
  let isDone = false;
  return {
    ...store,
    async write(key, body, options) {
      if (!isDone && key.endsWith(ending)) {
        isDone = true;
        await happen();
      }
      return store.write(key, body, options);
    },
  };
}

test('everything of a training is tracked without a call of the author', async () => {
  const prices = { currency: 'EUR', cpuHour: 3_600, gpuHour: {} };
  const dependencies = bench.dependencies({ dependencies: { prices: () => Promise.resolve(prices) } });
  const request = bench.request('tracked');
  const trained = await trainModel(dependencies, request);
  const record = await bench.recordOf(trained);
  expect(record).toMatchObject({
    run: request.run,
    stepId: '3-train',
    model: 'flights',
    attempt: 1,
    trainer: request.trainer,
    seed: 7,
    target: request.target,
    data: request.data,
    features: { pipeline: 'flights', sha256: trained.files['features.mjs'].sha256 },
    environment,
    python: null,
    hardware: { cores: expect.any(Number), cpu: expect.stringMatching(/./), devices: [] },
    rows: { trained: 4_000, skipped: 0 },
    metrics: trained.metrics,
    cache: { outcome: 'miss' },
    artifacts: [],
  });
  expect(record.usage.cpuSeconds).toBeGreaterThan(0);
  expect(record.usage.peakMemoryMiB).toBeGreaterThan(10);
  expect(record.usage.bytesRead).toBeGreaterThan(1_000);
  expect(record.usage.bytesWritten).toBeGreaterThan(trained.files['model.onnx'].sizeBytes);
  // A core costs 1 a second.
  expect(record.cost).toEqual({ amount: expect.closeTo(record.usage.cpuSeconds, 9), currency: 'EUR', prices });
  expect(await listTrainingRecords(bench.store, request.run)).toEqual([record]);
});

/** The points of `metrics.parquet`. */
async function stepsOf({ points }: TrainingRecord): Promise<readonly string[]> {
  if (points === null) throw new Error('No points.');
  const file = await createObjectCache(bench.store, bench.cacheFolder).localFile(points);
  const tables = await openTables();
  try {
    return (await readMetricPoints(tables, file)).map(({ name, step }) => `${name} ${step}`);
  } finally {
    tables.close();
  }
}

test('every metric point is kept as Parquet', async () => {
  const trained = await trainModel(bench.dependencies(), bench.request('points', { seed: 8 }));
  expect(await stepsOf(await bench.recordOf(trained))).toEqual(['loss 1', 'loss 2', 'loss 3']);
  expect(trained.metrics).toEqual({ loss: expect.any(Number) });
});

test('a step that has its result gives it again, without training', async () => {
  const first = await trainModel(bench.dependencies(), bench.request('again', { cache: false }));
  const again = await trainModel(bench.dependencies(), bench.request('again', { cache: false }));
  expect(again).toEqual(first);
  expect((await readAttempts(bench.store, bench.request('again')))?.attempt).toBe(1);
});

test('an equal training of another run is found, with its own record, and one with another seed says what differs', async () => {
  const seed = 21;
  const first = await trainModel(bench.dependencies(), bench.request('equal-1', { seed }));
  const found = await trainModel(bench.dependencies(), bench.request('equal-2', { seed }));
  expect(found).toMatchObject({ files: first.files, metrics: first.metrics, checkpoint: first.checkpoint });
  expect(found.cache).toMatchObject({ key: first.cache.key, outcome: 'hit' });
  expect(found.cache.why).toMatch(/^Computed by flights\/equal-1 \(equal-1\) in step 3-train/);
  const record = await bench.recordOf(found);
  expect(record).toMatchObject({ run: { runId: 'equal-2' }, usage: { cpuSeconds: 0 }, cache: { outcome: 'hit' } });
  const other = await trainModel(bench.dependencies(), bench.request('unequal', { seed: 22 }));
  expect(other.cache).toMatchObject({
    outcome: 'miss',
    why: expect.stringMatching(/params differ: seed 22, was \d+\.$/),
  });
});

test('two equal trainings at once compute once', async () => {
  const begun: string[] = [];
  const dependencies = (name: string): TrainingDependencies => {
    const notes: string[] = [];
    notes.push = (...texts) => begun.push(...texts.filter((text) => /rows read/.test(text)).map(() => name));
    return bench.dependencies({ notes });
  };
  const [one, two] = await Promise.all([
    trainModel(dependencies('a'), bench.request('once-1', { seed: 31 })),
    trainModel(dependencies('b'), bench.request('once-2', { seed: 31 })),
  ]);
  expect([one.cache.outcome, two.cache.outcome].toSorted()).toEqual(['hit', 'miss']);
  expect(begun).toHaveLength(1);
  expect(one.files).toEqual(two.files);
});

test('without the cache nothing is looked for and nothing is kept', async () => {
  const off = await trainModel(bench.dependencies(), bench.request('off-1', { seed: 41, cache: false }));
  expect(off.cache.outcome).toBe('off');
  const on = await trainModel(bench.dependencies(), bench.request('off-2', { seed: 41 }));
  expect(on.cache).toMatchObject({ outcome: 'miss', key: off.cache.key });
  expect(on.files['model.onnx'].sha256).toBe(off.files['model.onnx'].sha256);
});

test('a zombie that is about to publish while a newer attempt works gives way, and may be tried again', async () => {
  const request = bench.request('zombie-1', { seed: 51, cache: false });
  const store = before(bench.store, 'training.json', () =>
    beginAttempt(bench.store, request, { holder: 'newer', startedAt }),
  );
  const zombie = trainModel(bench.dependencies({ dependencies: { store } }), request);
  expect(await codeOf(zombie)).toBe('TRAINING_INTERRUPTED');
  expect(await readAttempts(bench.store, request)).toMatchObject({ attempt: 2, published: null });
});

test('a zombie that wakes up after the newer attempt ended gives that one’s result', async () => {
  const request = bench.request('zombie-2', { seed: 52, cache: false });
  const store = before(bench.store, 'training.json', () => trainModel(bench.dependencies(), request));
  const zombie = await trainModel(bench.dependencies({ dependencies: { store } }), request);
  expect(zombie).toEqual((await readAttempts(bench.store, request))?.published);
  expect((await bench.recordOf(zombie)).attempt).toBe(2);
});

test('an attempt goes on from the checkpoint of the one before, to the same bytes', async () => {
  const whole = await trainModel(bench.dependencies(), bench.request('whole', { seed: 61, cache: false }));
  const request = bench.request('resumed', { seed: 61, cache: false });
  const died = new CodedError('SERVICE_UNAVAILABLE', 'The bucket went away.');
  const store = before(bench.store, 'training.json', () => Promise.reject(died));
  expect(await codeOf(trainModel(bench.dependencies({ dependencies: { store } }), request))).toBe(
    'SERVICE_UNAVAILABLE',
  );
  expect((await readAttempts(bench.store, request))?.checkpoint?.step).toBe(3);
  const notes: string[] = [];
  const resumed = await trainModel(bench.dependencies({ notes }), request);
  expect(resumed.files['model.onnx'].sha256).toBe(whole.files['model.onnx'].sha256);
  expect(notes.filter((note) => note.startsWith('loss'))).toEqual([]);
  // What the first attempt reported is not lost with it.
  expect(resumed.metrics).toEqual(whole.metrics);
  const record = await bench.recordOf(resumed);
  expect(record.attempt).toBe(2);
  expect(await stepsOf(record)).toEqual(['loss 1', 'loss 2', 'loss 3']);
});

/** Leaves a checkpoint and asks to be tried again; then says what it was given to go on from. */
const interrupted = `import { readFileSync, writeFileSync } from 'node:fs';
const job = JSON.parse(readFileSync(process.env.PERDURA_JOB, 'utf8'));
const report = (value) => console.log(JSON.stringify(value));
if (job.resume === null) {
  report({ perdura: 'metric', name: 'auc', step: 5, value: 0.75 });
  writeFileSync(job.checkpoints + '/five.bin', 'state of five');
  report({ perdura: 'checkpoint', step: 5, file: 'five.bin' });
  process.exitCode = 75;
} else {
  console.error('went on from step ' + job.resume.step + ': ' + readFileSync(job.resume.file, 'utf8'));
  process.exitCode = 64;
}
`;

test('a program that asks to be tried again gets the checkpoint that it left', async () => {
  await writeFile(join(bench.folder, 'interrupted.mjs'), interrupted);
  const limits = { silentForMs: 60_000, memoryMiB: null, diskMiB: 100, tolerance: 1e-4 };
  const command = ['node', 'interrupted.mjs'];
  const trainer = { kind: 'program', command, environment: null, params: {}, ...limits } as const;
  const request = bench.request('interrupted', { trainer, cache: false });
  expect(await codeOf(trainModel(bench.dependencies(), request))).toBe('TRAINING_INTERRUPTED');
  expect(await rejection(trainModel(bench.dependencies(), request))).toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('went on from step 5: state of five'),
  });
});

test('a training that fails keeps no lease, so that the next equal one begins at once', async () => {
  const bad = { kind: 'dense', hidden: [8], epochs: 3, batchSize: 256, learningRate: -1, embedding: 2 } as const;
  for (const runId of ['bad-1', 'bad-2']) {
    const began = performance.now();
    expect(await codeOf(trainModel(bench.dependencies(), bench.request(runId, { trainer: bad })))).toBe(
      'INPUT_INVALID',
    );
    expect(performance.now() - began).toBeLessThan(20_000);
  }
});

test('whatever way attempts end, their scratch folders are gone', async () => {
  expect(await readdir(join(bench.folder, 'work'))).toEqual([]);
});

test('a full disk is named as such, wherever it is noticed', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const dependencies = bench.dependencies({ dependencies: { bundleFeatures: () => Promise.reject(full) } });
  expect(await codeOf(trainModel(dependencies, bench.request('full')))).toBe('DISK_FULL');
});

test('a checkpoint that is written over while it is kept is not gone on from, and the training goes on', async () => {
  const notes: string[] = [];
  let overwritten = 0;
  const store: ObjectStore = {
    ...bench.store,
    async write(key, body, options) {
      if (key.includes('/checkpoints/') && 'file' in body && (overwritten += 1) === 1)
        await writeFile(body.file, 'of a later step');
      return bench.store.write(key, body, options);
    },
  };
  const request = bench.request('overwritten', { cache: false });
  const trained = await trainModel(bench.dependencies({ notes, dependencies: { store } }), request);
  expect(notes).toContainEqual(expect.stringMatching(/^The checkpoint of step \d changed while it was kept/));
  const key = trained.checkpoint?.file.key ?? '';
  expect(new TextDecoder().decode((await bench.store.read(key)).bytes)).not.toBe('of a later step');
});
