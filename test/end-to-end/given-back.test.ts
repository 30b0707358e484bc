import { readRun } from '../../stores/runs.ts';
import { lives } from '../training/flights.ts';
import { eventually, sealed, type Started } from './harness.ts';
import { effectsOf } from './one-release.ts';
import { openReleaseStage, type ReleaseStage } from './release-stage.ts';
import { trainerOf } from './trainer.ts';

const limit = 120_000;
let stage: ReleaseStage;

beforeAll(async () => {
  stage = await openReleaseStage();
}, limit);
afterEach(() => stage.endRuns());
afterAll(() => stage?.close(), limit);

const outcomeOf = async ({ key }: Started) => (await readRun(stage.store, key)).outcome;

/** All traffic is the champion's again, and the endpoint lets the next release in. */
async function expectGivenBack(run: Started): Promise<void> {
  expect(await stage.route()).toMatchObject({
    changeId: `${run.key.workflowId}/${run.key.runId}/give-back`,
    arms: [{ name: 'champion', weight: 100, version: await stage.champion() }],
    shadows: [],
  });
  const next = await stage.ramp(`after-${run.key.workflowId.replace('/', '-')}`, { weights: [5] });
  expect(await sealed(stage, next)).toBe('COMPLETED');
  // It ends without promote or reject: that gives the endpoint back too.
  expect(await stage.route()).toMatchObject({ arms: [{ name: 'champion', weight: 100 }], who: next.key.workflowId });
}

describe('a run that ends in the middle of a canary', () => {
  const endless = { weights: [20], requests: 1_000_000 };

  test(
    'because it was cancelled gives all traffic back, and its evidence is sealed',
    async () => {
      const run = await stage.ramp('cancelled', endless);
      await stage.routeOf(run, '0-canary-0-20');
      await run.handle.cancel();
      expect(await sealed(stage, run)).toBe('CANCELLED');
      expect(await outcomeOf(run)).toMatchObject({ status: 'cancelled', outcome: null, error: null });
      expect((await effectsOf(stage, run.key)).replay).toBe('IDENTICAL');
      await expectGivenBack(run);
    },
    limit,
  );

  test(
    'because the pipeline threw gives all traffic back, fails once with PIPELINE_FAILED, and its evidence is sealed',
    async () => {
      const run = await stage.ramp('thrown', { weights: [20], end: 'throw' });
      expect(await sealed(stage, run)).toBe('FAILED');
      expect(await outcomeOf(run)).toMatchObject({
        status: 'failed',
        error: { code: 'PIPELINE_FAILED', message: "Pipeline 'ramp' threw: the author stumbled" },
      });
      expect((await effectsOf(stage, run.key)).replay).toBe('IDENTICAL');
      await expectGivenBack(run);
    },
    limit,
  );

  test(
    'because a step beside the canary failed sets no weight any more after giving all traffic back',
    async () => {
      const steep = Array.from({ length: 90 }, (_, index) => index + 1);
      const run = await stage.ramp('thrown-beside', { weights: steep, requests: 1, end: 'throw beside' });
      expect(await sealed(stage, run)).toBe('FAILED');
      expect(await outcomeOf(run)).toMatchObject({ status: 'failed', error: { code: 'ACTIVITY_FAILED' } });
      await expectGivenBack(run);
    },
    limit,
  );
});

test(
  'a run that is cancelled in the middle of training ends with its trainer and leaves no version',
  async () => {
    const run = await stage.release('cancelled-in-training', { epochs: 200 });
    const trainer = await eventually('a trainer', () => trainerOf(stage.workerPid()));
    await run.handle.cancel();
    expect(await sealed(stage, run)).toBe('CANCELLED');
    await eventually('the end of the trainer', () => !lives(trainer));
    expect(await effectsOf(stage, run.key)).toMatchObject({ status: 'cancelled', versions: [], moves: [], routes: [] });
  },
  limit,
);

test(
  'a run that is cancelled right after the champion moved leaves champion and route at the same version',
  async () => {
    const version = await stage.spare();
    const run = await stage.ramp('cancelled-in-promotion', { version, weights: [20], end: 'promote' });
    await eventually('the promotion', async () => (await stage.champion()).modelVersion === version.modelVersion);
    await run.handle.cancel();
    expect(await sealed(stage, run)).toBe('COMPLETED');
    expect(await outcomeOf(run)).toMatchObject({ status: 'completed', outcome: 'promoted' });
    expect(await stage.route()).toMatchObject({
      arms: [{ name: 'champion', weight: 100, version: await stage.champion() }],
    });
  },
  limit,
);

test(
  'of two releases at once on one endpoint the second is refused, and the first goes on',
  async () => {
    const first = await stage.ramp('holder', { weights: [20], requests: 1_000_000 });
    const held = await stage.routeOf(first, '0-canary-0-20');
    const second = await stage.ramp('intruder', { weights: [30] });
    expect(await sealed(stage, second)).toBe('FAILED');
    expect(await outcomeOf(second)).toMatchObject({
      status: 'failed',
      error: { code: 'ENDPOINT_BUSY', message: expect.stringMatching(/^Endpoint 'flights' is held by ramp\/holder\./) },
    });
    expect(await stage.route()).toEqual(held);
    await first.handle.cancel();
    expect(await sealed(stage, first)).toBe('CANCELLED');
  },
  limit,
);
