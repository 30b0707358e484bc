import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MetricPoint, TrainedModel } from '../../domain/trainer.ts';
import type { TrainingRecord } from '../../domain/training-record.ts';
import { pinFileOnce } from '../../stores/artifacts.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { writeRunOutcome, writeRunStart } from '../../stores/runs.ts';
import { openTables } from '../../stores/tables.ts';
import { writeSearchRecord } from '../../stores/search-records.ts';
import { beginAttempt, publishTraining, stepFolder } from '../../stores/training-attempts.ts';
import { writeMetricPoints, writeTrainingRecord } from '../../stores/training-records.ts';
import { perduraHere } from '../support/cli-here.ts';
import { freshBucketName, testServices } from '../support/services.ts';

const code = {
  node: 'v20.20.2',
  platform: 'linux-x64',
  perdura: '0.1.0',
  temporalSdk: '1.24.0',
  bundleSha256: 'b'.repeat(64),
  lockfileSha256: null,
  gitCommit: null,
};

let folder = '';
let store: ObjectStore;
let environment: Readonly<Record<string, string>> = {};
beforeAll(async () => {
  const { s3 } = testServices();
  const bucket = freshBucketName();
  folder = await mkdtemp(join(tmpdir(), 'perdura-training-commands-'));
  await ensureBucket({ ...s3, bucket });
  store = createS3ObjectStore({ ...s3, bucket });
  environment = {
    S3_ENDPOINT: s3.endpoint ?? '',
    AWS_ACCESS_KEY_ID: s3.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey ?? '',
    PERDURA_BUCKET: bucket,
  };
  await writeRun('two', { epochs: 2, loss: 0.5 });
  await writeRun('<img src=x onerror=alert(1)>', { epochs: 3, loss: 0.25 });
  await start('untrained');
  await writeSearch('searched');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(name: string) {
  const run = { pipeline: 'flights', workflowId: `flights/${name}`, runId: `run-${name.length}` };
  const startedAt = `2001-01-01T00:0${name.length % 10}:00.000Z`;
  await writeRunStart(store, { ...run, input: {}, startedAt, startedBy: 'person', environment: code });
  return run;
}

async function writeRun(name: string, { epochs, loss }: { readonly epochs: number; readonly loss: number }) {
  const step = { run: await start(name), stepId: '3-train' };
  const points = Array.from({ length: epochs }, (_, at) => ({
    name: 'loss',
    step: at + 1,
    value: loss * (epochs - at),
    elapsedMs: at,
  }));
  const record = { ...recordOf(epochs, loss), ...step, points: await pinPoints(stepFolder(step), points) };
  const pin = await writeTrainingRecord(store, `${stepFolder(step)}attempt-1/training.json`, record);
  const own = await beginAttempt(store, step, { holder: name, startedAt: record.startedAt });
  await publishTraining(store, own, { record: pin } as unknown as TrainedModel);
  const { startedAt, endedAt } = record;
  const nothing = { reason: null, result: null, error: null, steps: [], decisions: [], validations: [] };
  await writeRunOutcome(store, {
    ...step.run,
    ...nothing,
    status: 'completed',
    outcome: 'trained',
    startedAt,
    endedAt,
  });
}

async function writeSearch(name: string) {
  await writeRun(name, { epochs: 1, loss: 1 });
  const run = await start(name);
  const trial = (number: number, score: number | null) => ({
    number,
    params: { width: 8 * (number + 1), layout: { kind: 'ältere "wide"', sizes: [1, 2] } },
    epochs: score === null ? null : 1,
    rung: 0,
    status: score === null ? ('failed' as const) : ('finished' as const),
    score,
    reason: score === null ? 'The loss is not a finite number.\nmore' : null,
    elapsedMs: 1_500,
    cost: 0.25,
    checkpoint: null,
  });
  await writeSearchRecord(store, {
    run,
    stepId: '2-search',
    model: 'flights',
    space: { width: { kind: 'integer', from: 8, to: 64, log: false } },
    strategy: { kind: 'random' },
    budget: { trials: 3, cost: 2 },
    objective: { metric: 'auc', direction: 'higher' },
    parallel: 2,
    seed: 7,
    best: { number: 1, params: trial(1, 0.7).params, score: 0.7 },
    trials: [trial(0, 0.6), trial(1, 0.7), trial(2, null)],
    spent: { trials: 3, elapsedMs: 4_500, cost: 0.75 },
    endedBy: 'All 3 trials were made.',
    currency: 'EUR',
  });
}

async function pinPoints(key: string, points: readonly MetricPoint[]) {
  const file = join(folder, 'metrics.parquet');
  const tables = await openTables();
  try {
    await writeMetricPoints(tables, points, { file, scratch: `${file}.jsonl` });
  } finally {
    tables.close();
  }
  return pinFileOnce(store, `${key}metrics.parquet`, file);
}

function recordOf(epochs: number, loss: number): Omit<TrainingRecord, 'run' | 'stepId' | 'points'> {
  const snapshot = { dataset: 'flights', digest: 'd'.repeat(64), rows: 10 };
  const key = { key: 'k'.repeat(64), code: 'c', inputs: 'i', params: `p${epochs}`, environment: 'e' };
  return {
    model: 'flights',
    attempt: 1,
    startedAt: '2001-01-01T00:00:00.000Z',
    endedAt: '2001-01-01T00:01:00.000Z',
    trainer: { kind: 'dense', hidden: [8], epochs, batchSize: 64, learningRate: 0.01, embedding: 2 },
    seed: 7,
    target: { name: 'late', task: 'binary', sql: 'delay > 15' },
    data: { snapshot, rows: 10 },
    features: { pipeline: 'flights', sha256: 'f'.repeat(64) },
    environment: code,
    python: null,
    hardware: { platform: 'linux-x64', cpu: 'a processor', cores: 2, memoryMiB: 8_000, devices: [] },
    rows: { trained: 10, skipped: 0 },
    metrics: { loss },
    usage: { elapsedMs: 1_000, cpuSeconds: 2, gpuSeconds: 0, peakMemoryMiB: 100, bytesRead: 10, bytesWritten: 10 },
    cost: { amount: 0.5, currency: 'EUR', prices: { currency: 'EUR', cpuHour: 900, gpuHour: {} } },
    cache: { ...key, outcome: 'miss', why: `Nearest is x: params differ: trainer.epochs ${epochs}, was 1.` },
    artifacts: [],
  };
}

const call = (...words: readonly string[]) => perduraHere(words, { folder, environment });

test('runs tells what each cost', async () => {
  const { stdout } = await call('runs', '--json');
  const { runs } = JSON.parse(stdout) as { runs: { start: { workflowId: string }; cost: unknown; version: unknown }[] };
  const costs = Object.fromEntries(runs.map(({ start: { workflowId }, cost }) => [workflowId, cost]));
  expect(costs).toMatchObject({ 'flights/two': { amount: 0.5, currency: 'EUR' }, 'flights/untrained': null });
  expect((await call('runs')).stdout).toMatch(/flights\/two .*0\.5 EUR/);
});

test('show tells the training: settings, data, metrics, environment, usage, cost and cache', async () => {
  const { stdout } = await call('show', 'flights/two');
  expect(stdout).toContain('Training 3-train');
  for (const fact of [
    'epochs 2',
    'seed 7',
    'flights@dddddddddddd',
    'loss 0.5',
    'Node v20.20.2',
    '2.0 CPU seconds',
    '0.5 EUR',
    'miss',
  ])
    expect(stdout).toContain(fact);
});

test('show --why tells only why each training was computed', async () => {
  const { stdout } = await call('show', 'flights/two', '--why');
  expect(stdout.trim()).toBe('3-train (flights): miss. Nearest is x: params differ: trainer.epochs 2, was 1.');
  const json = JSON.parse((await call('show', 'flights/two', '--why', '--json')).stdout) as { trainings: unknown[] };
  expect(json.trainings).toMatchObject([{ stepId: '3-train', cache: { outcome: 'miss' } }]);
});

test('compare lists what differs and counts what is equal', async () => {
  const { exitCode, stdout } = await call('compare', 'flights/two', 'flights/<img src=x onerror=alert(1)>', '--json');
  expect(exitCode).toBe(0);
  const { differing, equal } = JSON.parse(stdout) as { differing: unknown[]; equal: unknown[] };
  expect(differing).toEqual([
    { section: 'params', name: 'epochs', values: ['2', '3'] },
    { section: 'metrics', name: 'loss', values: ['0.5', '0.25'] },
  ]);
  expect(equal).toContainEqual({ section: 'data', equal: 9, of: 9 });
  const text = (await call('compare', 'flights/two', 'flights/<img src=x onerror=alert(1)>')).stdout;
  expect(text).toMatch(/params +epochs +2 +3/);
  expect(text).toContain('Equal: params 6 of 7, metrics 0 of 1, data all 9');
});

test('the page of curves has a figure for each metric, no script, and no markup of a run’s name', async () => {
  const page = join(folder, 'curves.html');
  const { exitCode } = await call('compare', 'flights/two', 'flights/<img src=x onerror=alert(1)>', '--html', page);
  expect(exitCode).toBe(0);
  const html = await readFile(page, 'utf8');
  expect(html).not.toMatch(/<script|<img|https?:\/\/(?!www\.w3\.org)/);
  expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
  expect(html.match(/<figure>/g)).toHaveLength(1);
  expect(html.match(/<path[^>]+stroke="#0072b2"|stroke="#0072b2"/g)?.length).toBeGreaterThan(1);
  expect(html).toContain("default-src 'none'");
  expect(html).toContain('prefers-color-scheme: dark');
  expect(html).toContain('0.25 after step 3');
});

test('a run without a training is compared by what it has', async () => {
  const { stdout } = await call('compare', 'flights/two', 'flights/untrained');
  expect(stdout).toContain('Without a training: flights/untrained');
});

test('one run is nothing to compare', async () => {
  const { exitCode, stderr } = await call('compare', 'flights/two');
  expect(exitCode).toBe(2);
  expect(stderr).toContain('Name two runs at least');
});

test('show tells every trial of a search, the best first, those that failed with their reason', async () => {
  const { stdout } = await perduraHere(['show', 'flights/searched'], { environment, folder });
  expect(stdout).toContain('Search 2-search');
  expect(stdout).toContain('trial 1: 0.7 with layout.kind ältere "wide", layout.sizes [1,2], width 16');
  expect(stdout).toMatch(/used +3 trials, .*0\.75 EUR/);
  const rows = stdout.split('\n').filter((line) => /^[0-2] /.test(line));
  expect(rows.map((line) => line[0])).toEqual(['1', '0', '2']);
  expect(rows[2]).toMatch(/failed .*The loss is not a finite number\.$/);
  const { stdout: json } = await perduraHere(['show', 'flights/searched', '--json'], { environment, folder });
  expect(JSON.parse(json)).toMatchObject({ searches: [{ stepId: '2-search', trials: [{ number: 0 }, {}, {}] }] });
});
