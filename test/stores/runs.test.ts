import type { RunOutcome, RunStart } from '../../domain/run.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { findRun, listRuns, readRun, writeRunOutcome, writeRunStart } from '../../stores/runs.ts';
import { codeOf } from '../contracts/object-store.ts';
import { withTestS3 } from '../support/test-s3.ts';

const environment = {
  node: 'v20.20.2',
  platform: 'linux-x64',
  perdura: '0.1.0',
  temporalSdk: '1.24.0',
  bundleSha256: 'b',
  lockfileSha256: null,
  gitCommit: null,
};

function start(pipeline: string, workflowId: string, runId: string, minute = 0): RunStart {
  const startedAt = new Date(Date.UTC(2001, 0, 1, 0, minute)).toISOString();
  return { pipeline, workflowId, runId, input: {}, startedAt, startedBy: 'person', environment };
}

function outcome(run: RunStart, reason = 'all guardrails hold'): RunOutcome {
  const { pipeline, workflowId, runId, startedAt } = run;
  return {
    pipeline,
    workflowId,
    runId,
    status: 'completed',
    outcome: 'promoted',
    reason,
    result: null,
    error: null,
    startedAt,
    endedAt: startedAt,
    steps: [],
    decisions: [],
    validations: [],
  };
}

const workflowIds = (runs: readonly { start: RunStart }[]) => runs.map((run) => run.start.workflowId);

async function withRuns(): Promise<ObjectStore> {
  const store = createMemoryObjectStore();
  for (const run of [
    start('flights', 'release/flights/1', 'aaaa1111', 1),
    start('flights', 'release/flights/2', 'aaaa2222', 3),
    start('fares', 'fares/daily', 'bbbb1111', 2),
    start('fares', 'fares/daily', 'cccc1111', 4),
    start('fares', 'flights', 'dddd1111', 0),
  ])
    await writeRunStart(store, run);
  return store;
}

test('a run has no outcome until it ends', async () => {
  const store = createMemoryObjectStore();
  const run = start('flights', 'release/flights/1', 'r1');
  await writeRunStart(store, run);
  expect(await readRun(store, run)).toEqual({ start: run, outcome: null });
  await writeRunOutcome(store, outcome(run));
  expect(await readRun(store, run)).toEqual({ start: run, outcome: outcome(run) });
});

test('a repeated start and a repeated end keep and return what was recorded first', async () => {
  const store = createMemoryObjectStore();
  const run = start('flights', 'release/flights/1', 'r1');
  await writeRunStart(store, run);
  await writeRunOutcome(store, outcome(run));
  const elsewhere = { ...run, environment: { ...environment, node: 'v22.0.0' } };
  expect(await writeRunStart(store, elsewhere)).toEqual(run);
  expect((await writeRunOutcome(store, outcome(run, 'another reason'))).reason).toBe('all guardrails hold');
});

test('runs are listed newest first, and artifacts of a run are no runs', async () => {
  const store = await withRuns();
  await store.write('runs/flights/release/flights/1/aaaa1111/artifacts/model.onnx', new Uint8Array(1));
  await writeRunOutcome(store, outcome(start('fares', 'fares/daily', 'bbbb1111', 2)));
  const runs = await listRuns(store);
  expect(runs.map((run) => run.start.runId)).toEqual(['cccc1111', 'aaaa2222', 'bbbb1111', 'aaaa1111', 'dddd1111']);
  expect(runs.map((run) => run.outcome?.outcome ?? null)).toEqual([null, null, 'promoted', null, null]);
});

test('runs of one pipeline are listed alone', async () => {
  const store = await withRuns();
  expect(workflowIds(await listRuns(store, { pipeline: 'flights' }))).toEqual([
    'release/flights/2',
    'release/flights/1',
  ]);
  expect(await listRuns(store, { pipeline: 'flight' })).toEqual([]);
});

test.each([
  ['a workflow id with slashes', 'release/flights/1', 'aaaa1111'],
  ['a workflow id of two runs, the newest', 'fares/daily', 'cccc1111'],
  ['a whole run id', 'bbbb1111', 'bbbb1111'],
  ['the beginning of a run id', 'bbbb', 'bbbb1111'],
  ["a pipeline's name, its newest run", 'fares', 'cccc1111'],
  ['a workflow id before a pipeline of the same name', 'flights', 'dddd1111'],
])('a run is found by %s', async (_, text, runId) => {
  expect((await findRun(await withRuns(), text)).start.runId).toBe(runId);
});

test('what fits no run is NOT_FOUND and says where to look', async () => {
  const store = await withRuns();
  expect(await codeOf(findRun(store, 'bbb'))).toBe('NOT_FOUND');
  await expect(findRun(store, 'flihgts')).rejects.toThrow("'perdura runs'");
  expect(await codeOf(readRun(store, { pipeline: 'flights', workflowId: 'a', runId: 'b' }))).toBe('NOT_FOUND');
});

test('the beginning of two run ids is INPUT_INVALID and names both', async () => {
  const store = await withRuns();
  expect(await codeOf(findRun(store, 'aaaa'))).toBe('INPUT_INVALID');
  await expect(findRun(store, 'aaaa')).rejects.toThrow('aaaa1111, aaaa2222');
});

test('30 runs in S3 are listed, newest first', async () => {
  const { s3, stop } = await withTestS3();
  await ensureBucket(s3);
  const store = createS3ObjectStore(s3, { pageSize: 20 });
  try {
    const runs = Array.from({ length: 30 }, (_, index) => start('flights', `release/flights/${index}`, 'r', index));
    await Promise.all(runs.map(async (run) => (await writeRunStart(store, run), writeRunOutcome(store, outcome(run)))));
    const listed = await listRuns(store);
    expect(workflowIds(listed)).toEqual(workflowIds(runs.toReversed().map((run) => ({ start: run }))));
    expect(listed.every((run) => run.outcome !== null)).toBe(true);
  } finally {
    store.close();
    await stop();
  }
}, 30_000);
