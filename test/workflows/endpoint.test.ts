import type { ReleaseDecision } from '../../domain/decision.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { decide } from '../../domain/decide.ts';
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
  'promote-at-once': {
    'pipeline.ts': `import { promote } from 'perdura/steps';
export async function promoteAtOnce({ decision, endpoint }) {
  return promote(decision.challenger, decision, { endpoint });
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

/** Asks for a route with the champion alone, as a release would that was judged against it. */
function change(endpoint: string, changeId: string, holder: string, weight = 100): Promise<unknown> {
  const arms = [{ name: 'champion', version: champion, weight }] as const;
  const request: Change = {
    change: { endpoint, changeId, arms, shadows: [], who: holder, why: 'test' },
    holder,
    expects: champion,
    done: false,
  };
  return createEndpointClient(stage.client).change(request);
}

const guardrail = { metric: 'rows', rule: 'atLeast', limit: 10 } as const;

/** What `evaluate` would give on so many rows; ten are enough. */
function decisionOn(rows: number, version: ModelReference): ReleaseDecision {
  const measurement = { metric: 'rows', value: rows, n: rows, unit: 'rows' } as const;
  return { ...decide([guardrail], [measurement], { champion: true }), challenger: version, champion };
}

test('changes that come at once are written one after the other, each once, with epochs without a gap', async () => {
  await serveTiny(stage.store, 'crowded', champion);
  const ids = Array.from({ length: 8 }, (_, index) => `change-${index}`);
  await Promise.all([...ids, ...ids].map((id) => change('crowded', id, 'release/one')));
  const history = (await routeHistory(stage.store, 'crowded')).toReversed();
  expect(history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(new Set(history.slice(1).map(({ changeId }) => changeId))).toEqual(new Set(ids));
});

test('while a run holds an endpoint another is refused; when it has ended without giving it back, the next is let in', async () => {
  await serveTiny(stage.store, 'held', champion);
  const holder = await startRun(stage, 'waits', 'waits/holder', null);
  await change('held', 'first', holder.key.workflowId);
  await expect(change('held', 'second', 'waits/other')).rejects.toMatchObject({
    type: 'ENDPOINT_BUSY',
    message: expect.stringContaining('waits/holder'),
  });
  await holder.handle.terminate();
  await closed(holder.handle);
  await expect(change('held', 'third', 'waits/other')).resolves.toMatchObject({ epoch: 3, changeId: 'third' });
});

test('a change that no route can be is refused at once, for the reason that it has', async () => {
  await serveTiny(stage.store, 'odd', champion);
  await expect(change('odd', 'first', 'release/one', 150)).rejects.toMatchObject({
    type: 'INPUT_INVALID',
    message: expect.stringContaining('the weights must sum to 100'),
  });
});

test('a promotion onto an endpoint that another run holds moves neither the champion nor the route', async () => {
  await serveTiny(stage.store, 'taken', champion);
  const holder = await startRun(stage, 'waits', 'waits/taken', null);
  await change('taken', 'held', holder.key.workflowId);
  const input = { decision: decisionOn(10, challenger), endpoint: 'taken' };
  const run = await startRun(stage, 'promoteAtOnce', 'promote-at-once/taken', input);
  expect(await sealed(stage, run)).toBe('FAILED');
  expect((await readRun(stage.store, run.key)).outcome?.error).toMatchObject({ code: 'ENDPOINT_BUSY' });
  expect(await championOf(stage.store)).toBe(champion.modelVersion);
  expect((await readRoute(stage.store, 'taken'))?.route.changeId).toBe('held');
  await holder.handle.terminate();
});

test.each([
  ['fail', 9],
  ['inconclusive', null],
])("a promotion on the decision '%s' is refused", async (outcome, rows) => {
  const decision = rows === null ? { ...decisionOn(10, challenger), outcome } : decisionOn(rows, challenger);
  expect(decision.outcome).toBe(outcome);
  await serveTiny(stage.store, outcome, champion);
  const run = await startRun(stage, 'promoteAtOnce', `promote-at-once/${outcome}`, { decision, endpoint: outcome });
  expect(await sealed(stage, run)).toBe('FAILED');
  expect((await readRun(stage.store, run.key)).outcome?.error).toMatchObject({ code: 'INPUT_INVALID' });
  expect(await championOf(stage.store)).toBe(champion.modelVersion);
  expect((await readRoute(stage.store, outcome))?.route.epoch).toBe(1);
});

test('of promotions at once that were judged against one champion a single one wins, and champion and route agree', async () => {
  await serveTiny(stage.store, 'rush', champion);
  const decision = decisionOn(10, challenger);
  const runs = await Promise.all(
    [1, 2, 3, 4].map((each) =>
      startRun(stage, 'promoteAtOnce', `promote-at-once/${each}`, { decision, endpoint: 'rush' }),
    ),
  );
  const ends = await Promise.all(runs.map((run) => sealed(stage, run)));
  expect(ends.filter((status) => status === 'COMPLETED')).toHaveLength(1);
  const outcomes = await Promise.all(runs.map(async (run) => (await readRun(stage.store, run.key)).outcome));
  expect(outcomes.flatMap((outcome) => outcome?.error?.code ?? [])).toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT']);
  const route = (await readRoute(stage.store, 'rush'))?.route;
  expect(route?.epoch).toBe(2);
  expect(route?.arms.map(({ version }) => version.modelVersion)).toEqual([challenger.modelVersion]);
  expect(await championOf(stage.store)).toBe(challenger.modelVersion);
});
