import { readRun } from '../../stores/runs.ts';
import { eventually, openStage, sealed, type Stage, startRun } from '../end-to-end/harness.ts';
import { exists } from '../end-to-end/one-release.ts';
import { writeProject } from '../end-to-end/project.ts';
import { evidenceFolder, runFolder } from '../../domain/run.ts';

const limit = 60_000;
let stage: Stage;

const own = `import { activities } from 'perdura/steps';
const { lookUp } = activities({ startToCloseTimeout: '10 seconds', retry: { maximumAttempts: 1 } });
`;

const pipelines = {
  waits: { 'pipeline.ts': 'export async function waits() { await new Promise(() => undefined); }\n' },
  returns: { 'pipeline.ts': 'export async function returns(input) { return input; }\n' },
  'looks-up': {
    'pipeline.ts': `${own}export async function looksUp() { return lookUp(); }\n`,
    'activities.ts': "export async function lookUp() { throw new Error('the table is gone'); }\n",
  },
  catches: {
    'pipeline.ts': `import { snapshot } from 'perdura/steps';
export async function catches() {
  const found = await snapshot({ dataset: 'none', from: 'newest' }).catch(() => null);
  return { outcome: found === null ? 'no data' : 'data' };
}
`,
  },
  stumbles: { 'pipeline.ts': 'export async function stumbles(input) { return input.no.such; }\n' },
};

beforeAll(async () => {
  stage = await openStage((folder) => writeProject(folder, pipelines));
}, limit);
afterAll(() => stage?.close(), limit);

async function ended(pipeline: string, input: unknown = null) {
  const run = await startRun(stage, pipeline, `${pipeline}/1`, input);
  const status = await sealed(stage, run);
  return { run, status, ...(await readRun(stage.store, run.key)) };
}

test('a run is recorded before its first step, with its input, who started it and what it runs on', async () => {
  const run = await startRun(stage, 'waits', 'waits/1', { month: 1 });
  const key = `${runFolder(run.key)}run.json`;
  await eventually('run.json', () => exists(stage, key));
  const { start, outcome } = await readRun(stage.store, run.key);
  expect(start).toMatchObject({
    ...run.key,
    input: { month: 1 },
    startedBy: 'person',
    environment: { node: process.version, bundleSha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  expect(outcome).toBeNull();
  await run.handle.terminate();
});

test('what a pipeline returns is its outcome, and its evidence is sealed after it', async () => {
  const { run, status, outcome } = await ended('returns', { outcome: 'found', reason: 'looked', rows: 3 });
  expect(status).toBe('COMPLETED');
  expect(outcome).toMatchObject({
    status: 'completed',
    outcome: 'found',
    reason: 'looked',
    result: { outcome: 'found', reason: 'looked', rows: 3 },
    error: null,
  });
  expect(await exists(stage, `${evidenceFolder(run.key)}manifest.json`)).toBe(true);
});

test('a plain error ends the run at once with PIPELINE_FAILED: no workflow task is tried again', async () => {
  const { run, status, outcome } = await ended('stumbles', {});
  expect(status).toBe('FAILED');
  expect(outcome?.error).toMatchObject({
    code: 'PIPELINE_FAILED',
    message: "Pipeline 'stumbles' threw: Cannot read properties of undefined (reading 'such')",
  });
  const { events } = await run.handle.fetchHistory();
  expect(events?.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
});

test("a project's own step that fails gives the run the author's words", async () => {
  const { status, outcome } = await ended('looksUp');
  expect(status).toBe('FAILED');
  expect(outcome?.error).toMatchObject({ code: 'ACTIVITY_FAILED', message: 'the table is gone' });
});

test('a step that fails and is caught is recorded as failed, in a run that completes', async () => {
  const { status, outcome } = await ended('catches');
  expect(status).toBe('COMPLETED');
  expect(outcome).toMatchObject({ status: 'completed', outcome: 'no data', error: null });
  expect(outcome?.steps).toMatchObject([
    { step: 'snapshot', status: 'failed', summary: expect.stringContaining('none') },
  ]);
});
