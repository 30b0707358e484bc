import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ModelReference } from '../../domain/model-package.ts';
import { followRun } from '../../cli/follow.ts';
import { plainView } from '../../cli/progress-view.ts';
import type { Route } from '../../domain/route.ts';
import { readRegistry, versionReference } from '../../stores/registry.ts';
import { readRoute } from '../../stores/routes.ts';
import { readRun } from '../../stores/runs.ts';
import { lives } from '../training/flights.ts';
import { addFlights, cutFlights, startTraffic, type Traffic } from './flights.ts';
import { eventually, openStage, type Stage, sealed, type Started, startRun } from './harness.ts';
import { effectsOf, epochs, releasedOnce } from './one-release.ts';
import { type RampInput, type ReleaseInput, writeReleaseProject } from './project.ts';

const limit = 120_000;
const weights = [10, 50];
let stage: Stage;
let traffic: Traffic;
let data = '';
let started: Started[] = [];

beforeAll(async () => {
  stage = await openStage(writeReleaseProject);
  data = await addFlights(stage, await cutFlights(stage.projectFolder, 1, 30_000));
  const both = [await release('first'), await release('spare', { weights: [] })];
  expect(await Promise.all(both.map((run) => sealed(stage, run)))).toEqual(['COMPLETED', 'COMPLETED']);
  traffic = await startTraffic(stage, await cutFlights(stage.projectFolder, 2, 5_000));
}, limit);

/** A test that failed must not hold the endpoint against the next. */
afterEach(async () => {
  for (const { handle } of started) await handle.terminate().catch(() => undefined);
  started = [];
});

afterAll(async () => {
  await traffic?.stop();
  await stage?.close();
}, limit);

async function release(name: string, differing: Partial<ReleaseInput> = {}): Promise<Started> {
  const input: ReleaseInput = { data, epochs: 1, weights, requests: 3, ...differing };
  const run = await startRun(stage, 'release', `release/${name}`, input);
  started.push(run);
  return run;
}

async function ramp(name: string, differing: Partial<RampInput> = {}): Promise<Started> {
  const input: RampInput = { version: await spare(), weights, requests: 3, end: 'return', ...differing };
  const run = await startRun(stage, 'ramp', `ramp/${name}`, input);
  started.push(run);
  return run;
}

async function champion(): Promise<ModelReference> {
  const registry = await readRegistry(stage.store, 'flights');
  if (registry?.aliases.champion === undefined) throw new Error('There is no champion.');
  return versionReference(registry, registry.aliases.champion);
}

/** A version that is whole and not the champion. */
async function spare(): Promise<ModelReference> {
  const registry = await readRegistry(stage.store, 'flights');
  const version = registry?.versions.find(
    ({ status, modelVersion }) => status === 'ready' && modelVersion !== registry.aliases.champion,
  );
  if (!registry || !version) throw new Error('There is no version beside the champion.');
  return versionReference(registry, version.modelVersion);
}

async function route(): Promise<Route> {
  const found = await readRoute(stage.store, 'flights');
  if (found === null) throw new Error('There is no route.');
  return found.route;
}

const routeOf = (run: Started, change: string) =>
  eventually(`route ${change}`, async () => {
    const now = await route();
    return now.changeId === `${run.key.workflowId}/${run.key.runId}/${change}` && now;
  });

/** Ends as if nothing had happened: every effect of the release once, and the endpoint's epochs without a gap. */
async function expectReleasedOnce(run: Started): Promise<void> {
  expect(await sealed(stage, run)).toBe('COMPLETED');
  expect(await effectsOf(stage, run.key)).toEqual(releasedOnce(weights));
  const all = await epochs(stage);
  expect(all).toEqual(all.map((_, index) => index + 1));
  expect(await route()).toMatchObject({ arms: [{ name: 'champion', weight: 100, version: await champion() }] });
  expect(traffic.failures).toEqual([]);
}

async function trainerOf(workerPid: number): Promise<number | null> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  const line = stdout.split('\n').find((each) => {
    const [, parent, ...words] = each.trim().split(/\s+/);
    return parent === String(workerPid) && words.join(' ').includes('trainer-process');
  });
  return line === undefined ? null : Number(line.trim().split(/\s+/)[0]);
}

async function notes(run: Started): Promise<string> {
  const { raw } = await run.handle.describe();
  const payloads = (raw.pendingActivities ?? []).flatMap((each) => each.heartbeatDetails?.payloads ?? []);
  return payloads.map(({ data: bytes }) => Buffer.from(bytes ?? []).toString('utf8')).join('\n');
}

const attempts = async (run: Started): Promise<number> =>
  Math.max(0, ...((await run.handle.describe()).raw.pendingActivities ?? []).map(({ attempt }) => attempt ?? 0));

/** The first thing that `perdura run` would say now about a step that is tried again. */
async function told({ handle }: Started): Promise<string> {
  const lines: string[] = [];
  const enough = new AbortController();
  const write = (line: string) => {
    lines.push(line);
    if (line.includes('attempt')) enough.abort();
  };
  const following = followRun(handle, plainView({ write, now: () => 0 }), enough.signal);
  await eventually('a word about another attempt', () => enough.signal.aborted);
  void following.catch(() => undefined);
  return lines.at(-1) ?? '';
}

describe('a worker that is killed', () => {
  test(
    'in the middle of training: the trainer ends with it, and the next worker trains again to one version',
    async () => {
      const run = await release('killed-in-training', { epochs: 15 });
      const trainer = await eventually('a trainer', () => trainerOf(stage.workerPid()));
      await eventually('an epoch', async () => (await notes(run)).includes('epoch'));
      await stage.killWorker();
      await eventually('the end of the trainer', () => !lives(trainer), 5_000);
      await stage.startWorker();
      await eventually('the second attempt', async () => (await attempts(run)) === 2);
      await expectReleasedOnce(run);
    },
    limit,
  );

  test(
    'in the middle of a canary: the next worker climbs on',
    async () => {
      const run = await release('killed-in-canary');
      await routeOf(run, '7-canary-50');
      await stage.killWorker();
      await stage.startWorker();
      await expectReleasedOnce(run);
    },
    limit,
  );

  test(
    'right after the champion moved: it is promoted once',
    async () => {
      const run = await release('killed-after-promotion');
      const before = await champion();
      await eventually('the promotion', async () => (await champion()).modelVersion !== before.modelVersion);
      await stage.killWorker();
      await stage.startWorker();
      await expectReleasedOnce(run);
    },
    limit,
  );

  test(
    "right after the promotion's route was written: it is written once",
    async () => {
      const run = await release('killed-after-route');
      await routeOf(run, '8-promote');
      await stage.killWorker();
      await stage.startWorker();
      await expectReleasedOnce(run);
    },
    limit,
  );
});

describe('a service that is killed and started again', () => {
  test(
    'Temporal, in the middle of a canary: the run goes on where it was',
    async () => {
      const run = await release('temporal-killed');
      await routeOf(run, '7-canary-10');
      await stage.restartTemporal();
      await expectReleasedOnce(run);
    },
    limit,
  );

  test(
    'S3, in the middle of a canary: the steps wait for it, and requests are answered all the while',
    async () => {
      const run = await release('s3-killed');
      await routeOf(run, '7-canary-10');
      await stage.killS3();
      const answered = traffic.answered();
      await eventually('a step that failed and is tried again', async () => (await attempts(run)) > 1);
      expect(await told(run)).toMatch(/canary: .*attempt \d+, after: S3 did not answer/);
      expect(traffic.answered()).toBeGreaterThan(answered);
      await stage.startS3();
      await expectReleasedOnce(run);
    },
    limit,
  );
});

const outcomeOf = async ({ key }: Started) => (await readRun(stage.store, key)).outcome;

/** All traffic is the champion's again, and the endpoint lets the next release in. */
async function expectGivenBack(run: Started): Promise<void> {
  expect(await route()).toMatchObject({
    changeId: `${run.key.workflowId}/${run.key.runId}/give-back`,
    arms: [{ name: 'champion', weight: 100, version: await champion() }],
    shadows: [],
  });
  const next = await ramp(`after-${run.key.workflowId.replace('/', '-')}`, { weights: [5] });
  expect(await sealed(stage, next)).toBe('COMPLETED');
  // It ends without promote or reject: that gives the endpoint back too.
  expect(await route()).toMatchObject({ arms: [{ name: 'champion', weight: 100 }], who: next.key.workflowId });
}

describe('a run that ends in the middle of a canary', () => {
  const endless = { weights: [20], requests: 1_000_000 };

  test(
    'because it was cancelled gives all traffic back, and its evidence is sealed',
    async () => {
      const run = await ramp('cancelled', endless);
      await routeOf(run, '0-canary-20');
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
      const run = await ramp('thrown', { weights: [20], end: 'throw' });
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
      const run = await ramp('thrown-beside', { weights: steep, requests: 1, end: 'throw beside' });
      expect(await sealed(stage, run)).toBe('FAILED');
      expect(await outcomeOf(run)).toMatchObject({ status: 'failed', error: { code: 'ACTIVITY_FAILED' } });
      await expectGivenBack(run);
    },
    limit,
  );
});

test(
  'a run that is cancelled right after the champion moved leaves champion and route at the same version',
  async () => {
    const version = await spare();
    const run = await ramp('cancelled-in-promotion', { version, weights: [20], end: 'promote' });
    await eventually('the promotion', async () => (await champion()).modelVersion === version.modelVersion);
    await run.handle.cancel();
    expect(await sealed(stage, run)).toBe('COMPLETED');
    expect(await outcomeOf(run)).toMatchObject({ status: 'completed', outcome: 'promoted' });
    expect(await route()).toMatchObject({ arms: [{ name: 'champion', weight: 100, version: await champion() }] });
  },
  limit,
);

test(
  'of two releases at once on one endpoint the second is refused, and the first goes on',
  async () => {
    const first = await ramp('holder', { weights: [20], requests: 1_000_000 });
    const held = await routeOf(first, '0-canary-20');
    const second = await ramp('intruder', { weights: [30] });
    expect(await sealed(stage, second)).toBe('FAILED');
    expect(await outcomeOf(second)).toMatchObject({
      status: 'failed',
      error: { code: 'ENDPOINT_BUSY', message: expect.stringMatching(/^Endpoint 'flights' is held by ramp\/holder\./) },
    });
    expect(await route()).toEqual(held);
    await first.handle.cancel();
    expect(await sealed(stage, first)).toBe('CANCELLED');
  },
  limit,
);
