/* oxlint-disable jest/expect-expect -- expectations stand in expectReleasedOnce */
import { followRun } from '../../cli/follow.ts';
import { plainView } from '../../cli/progress-view.ts';
import { lives } from '../training/flights.ts';
import { eventually, sealed, type Started } from './harness.ts';
import { effectsOf, epochs, releasedOnce } from './one-release.ts';
import { openReleaseStage, type ReleaseStage, weights } from './release-stage.ts';
import { trainerOf } from './trainer.ts';

const limit = 120_000;
let stage: ReleaseStage;

beforeAll(async () => {
  stage = await openReleaseStage();
}, limit);
afterEach(() => stage.endRuns());
afterAll(() => stage?.close(), limit);

/** Ends as if nothing had happened: every effect of the release once, and the endpoint's epochs without a gap. */
async function expectReleasedOnce(run: Started): Promise<void> {
  expect(await sealed(stage, run)).toBe('COMPLETED');
  expect(await effectsOf(stage, run.key)).toEqual(releasedOnce(weights));
  const all = await epochs(stage);
  expect(all).toEqual(all.map((_, index) => index + 1));
  expect(await stage.route()).toMatchObject({
    arms: [{ name: 'champion', weight: 100, version: await stage.champion() }],
  });
  expect(stage.traffic.failures).toEqual([]);
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
      const run = await stage.release('killed-in-training', { epochs: 15 });
      const trainer = await eventually('a trainer', () => trainerOf(stage.workerPid()));
      await eventually('an epoch', async () => (await notes(run)).includes('loss'));
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
      const run = await stage.release('killed-in-canary');
      await stage.routeOf(run, '7-canary-1-50');
      await stage.killWorker();
      await stage.startWorker();
      await expectReleasedOnce(run);
    },
    limit,
  );

  test(
    'right after the champion moved: it is promoted once',
    async () => {
      const run = await stage.release('killed-after-promotion');
      const own = `${run.key.runId}/8-promote/champion`;
      await stage.killWorkerAfter({ key: 'registry/flights.json', text: own });
      await stage.startWorker();
      await expectReleasedOnce(run);
    },
    limit,
  );

  test(
    "right after the promotion's route was written: it is written once",
    async () => {
      const run = await stage.release('killed-after-route');
      await stage.killWorkerAfter({ key: 'routes/flights.json', text: `${run.key.runId}/8-promote` });
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
      const run = await stage.release('temporal-killed');
      await stage.routeOf(run, '7-canary-0-10');
      await stage.restartTemporal();
      await expectReleasedOnce(run);
    },
    limit,
  );

  test(
    'S3, in the middle of a canary: the steps wait for it, and requests are answered all the while',
    async () => {
      const run = await stage.release('s3-killed');
      await stage.routeOf(run, '7-canary-0-10');
      await stage.killS3();
      const answered = stage.traffic.answered();
      await eventually('a step that failed and is tried again', async () => (await attempts(run)) > 1);
      expect(await told(run)).toMatch(/canary: .*attempt \d+, after: S3 did not answer/);
      expect(stage.traffic.answered()).toBeGreaterThan(answered);
      await stage.startS3();
      await expectReleasedOnce(run);
    },
    limit,
  );
});
