import type { ModelReference } from '../../domain/model-package.ts';
import { readRoute, routeHistory } from '../../stores/routes.ts';
import { readRun } from '../../stores/runs.ts';
import { createEndpointClient } from '../../workers/endpoint-client.ts';
import { closed, openStage, sealed, type Stage, startRun } from '../end-to-end/harness.ts';
import { writeProject } from '../end-to-end/project.ts';
import { championOf, registerTiny, serveTiny } from './tiny-stage.ts';

const limit = 60_000;
let stage: Stage;
let champion: ModelReference;
let challenger: ModelReference;

/** Runs that hold an endpoint as long as they are let, and releases with nothing but their last step. */
const pipelines = {
  waits: { 'pipeline.ts': 'export async function waits() { await new Promise(() => undefined); }\n' },
  'climb-wrongly': {
    'pipeline.ts': `import { canary } from 'perdura/steps';
export async function climbWrongly({ version, endpoint }) {
  return canary(version, { endpoint, weights: [150], requests: 1, atMost: '1 minute', checkEvery: '100 ms' });
}
`,
  },
  'promote-at-once': {
    'pipeline.ts': `import { promote } from 'perdura/steps';
export async function promoteAtOnce({ version, endpoint, outcome }) {
  return promote(version, { outcome, reason: 'said so', findings: [] }, { endpoint });
}
`,
  },
};

beforeAll(async () => {
  stage = await openStage((folder) => writeProject(folder, pipelines));
  champion = await registerTiny(stage.store, 'one');
  challenger = await registerTiny(stage.store, 'two');
}, limit);
afterAll(() => stage?.close(), limit);

type Change = Parameters<ReturnType<typeof createEndpointClient>['change']>[0];

function change(endpoint: string, changeId: string, holder: string, weight = 100): Promise<unknown> {
  const arms = [{ name: 'champion', version: champion, weight }] as const;
  const request: Change = {
    change: { endpoint, changeId, arms, shadows: [], who: holder, why: 'test' },
    holder,
    done: false,
  };
  return createEndpointClient(stage.client).change(request);
}

test('changes that come at once are written one after the other, each once, with epochs without a gap', async () => {
  const ids = Array.from({ length: 8 }, (_, index) => `change-${index}`);
  await Promise.all([...ids, ...ids].map((id) => change('crowded', id, 'release/one')));
  const history = (await routeHistory(stage.store, 'crowded')).toReversed();
  expect(history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(history.map(({ changeId }) => changeId).toSorted()).toEqual(ids);
});

test('while a run holds an endpoint another is refused; when it has ended without giving it back, the next is let in', async () => {
  const holder = await startRun(stage, 'waits', 'waits/holder', null);
  await change('held', 'first', holder.key.workflowId);
  await expect(change('held', 'second', 'waits/other')).rejects.toMatchObject({
    type: 'ENDPOINT_BUSY',
    message: expect.stringContaining('waits/holder'),
  });
  await holder.handle.terminate();
  await closed(holder.handle);
  await expect(change('held', 'third', 'waits/other')).resolves.toMatchObject({ epoch: 2, changeId: 'third' });
});

test('a change that no route can be is refused at once, for the reason that it has', async () => {
  await expect(change('odd', 'first', 'release/one', 150)).rejects.toMatchObject({
    type: 'INPUT_INVALID',
    message: expect.stringContaining('the weights must sum to 100'),
  });
});

test('a canary with a weight that cannot be fails the run at once and leaves the route as it was', async () => {
  await serveTiny(stage.store, 'wrong', champion);
  const run = await startRun(stage, 'climbWrongly', 'climb-wrongly/1', { version: challenger, endpoint: 'wrong' });
  expect(await sealed(stage, run)).toBe('FAILED');
  const { outcome } = await readRun(stage.store, run.key);
  expect(outcome?.error).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining('does not hold up') });
  expect((await readRoute(stage.store, 'wrong'))?.route.epoch).toBe(1);
});

test('a promotion onto an endpoint that another run holds moves neither the champion nor the route', async () => {
  await serveTiny(stage.store, 'taken', champion);
  const holder = await startRun(stage, 'waits', 'waits/taken', null);
  await change('taken', 'held', holder.key.workflowId);
  const input = { version: challenger, endpoint: 'taken', outcome: 'pass' };
  const run = await startRun(stage, 'promoteAtOnce', 'promote-at-once/taken', input);
  expect(await sealed(stage, run)).toBe('FAILED');
  expect((await readRun(stage.store, run.key)).outcome?.error).toMatchObject({ code: 'ENDPOINT_BUSY' });
  expect(await championOf(stage.store)).toBe(champion.modelVersion);
  expect((await readRoute(stage.store, 'taken'))?.route.changeId).toBe('held');
  await holder.handle.terminate();
});

test('promotions at once on one endpoint end with champion and route at the same version', async () => {
  const versions = [champion, challenger, champion, challenger];
  const runs = await Promise.all(
    versions.map((version, index) =>
      startRun(stage, 'promoteAtOnce', `promote-at-once/${index}`, { version, endpoint: 'rush', outcome: 'pass' }),
    ),
  );
  for (const run of runs) expect(await sealed(stage, run)).toBe('COMPLETED');
  const route = (await readRoute(stage.store, 'rush'))?.route;
  expect(route?.epoch).toBe(4);
  expect(route?.arms.map(({ version }) => version.modelVersion)).toEqual([await championOf(stage.store)]);
});

test.each(['fail', 'inconclusive'])("a promotion on the decision '%s' is refused", async (outcome) => {
  const before = await championOf(stage.store);
  const input = { version: challenger, endpoint: 'refused', outcome };
  const run = await startRun(stage, 'promoteAtOnce', `promote-at-once/${outcome}`, input);
  expect(await sealed(stage, run)).toBe('FAILED');
  expect((await readRun(stage.store, run.key)).outcome?.error).toMatchObject({ code: 'INPUT_INVALID' });
  expect(await championOf(stage.store)).toBe(before);
  expect(await readRoute(stage.store, 'refused')).toBeNull();
});
