import { setTimeout as wait } from 'node:timers/promises';
import type { ModelReference } from '../../domain/model-package.ts';
import { rowsInBucket, segmentsLeft, until } from '../serving/harness.ts';
import { putTinyPackage, type TinyModel } from '../support/tiny-model.ts';
import { type FaultStage, openFaultStage, putBrokenPackage } from './fault-stage.ts';
import { startSteadyLoad, type SteadyLoad } from './steady-load.ts';

const limit = 180_000;
const switches = 50;
const kills = { answering: 6, hosts: 4 };
const s3AwayMs = 60_000;
const mebibyte = 2 ** 20;
/** On a machine that is busy with other tests. */
const patient = { atMostMs: 40_000 };

/** What a version answers follows from its bias, so that an answer of another version than it says is seen. */
const biases: Readonly<Record<string, number>> = { '1': -1.5, '2': -0.5, '3': 0.5 };
const rest = { distance: 0.3, hour: 0.02, origins: { SFO: 0.7 } };
const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

let stage: FaultStage;
let load: SteadyLoad;
const versions: Record<'one' | 'two' | 'three' | 'slow', ModelReference> = {} as typeof versions;

beforeAll(async () => {
  stage = await openFaultStage(
    async (store) => {
      const put = (model: string, modelVersion: string, more: Partial<TinyModel> = {}) =>
        putTinyPackage(store, { model, modelVersion }, { ...rest, bias: biases[modelVersion] ?? 0, ...more });
      versions.one = await put('flights', '1');
      versions.two = await put('flights', '2');
      versions.three = await put('flights', '3');
      // Some 3 ms a row: it is answered by a host.
      versions.slow = await put('delays', '1', { matrix: 4_000 });
    },
    { flushEvery: '2 seconds', retryWindow: '3 seconds', recycleAfterLoads: 12, modelMemoryLimitBytes: 700 * mebibyte },
  );
  await stage.switchTo('flights', { champion: versions.one, shadows: [versions.three] });
  await stage.switchTo('delays', { champion: versions.slow });
  load = startSteadyLoad({
    url: stage.server.url,
    grpcUrl: stage.server.grpcUrl,
    name: 'load',
    rates: { flights: 60, delays: 15 },
    expected: ({ numbers: [distance, hour] }, modelVersion) =>
      sigmoid((biases[modelVersion] ?? Number.NaN) + rest.distance * distance + rest.hour * hour + rest.origins.SFO),
  });
}, limit);

afterAll(async () => {
  await load?.stop();
  await stage?.close();
}, limit);

/** Nothing failed, and requests go on being answered: silence is no proof. */
async function expectServing(): Promise<void> {
  const answered = load.answered();
  await until('more answers', () => load.answered() > answered + 50);
  expect(load.takeFailures()).toEqual([]);
}

test(
  'no request fails or is cut off while the route switches 50 times and processes are recycled',
  async () => {
    const began = stage.server.answering();
    for (let turn = 0; turn < switches; turn += 1) {
      const [champion, other] = turn % 2 === 0 ? [versions.two, versions.one] : [versions.one, versions.two];
      await stage.switchTo('flights', {
        champion,
        ...(turn % 3 === 0 && { challenger: { version: other, weight: 50 } }),
        shadows: turn % 4 === 3 ? [] : [versions.three],
      });
    }
    expect((await stage.status('flights')).problem).toBeNull();
    await expectServing();
    expect(load.repeated()).toEqual([]);
    expect(stage.server.answering()).not.toEqual(began);
  },
  limit,
);

/** Two answering processes; two hosts, one of the slow model and one of the shadow. */
const processes = 2;

/** Kills one and waits until another runs in its place. One that is being recycled is let go first. */
async function killOne(what: string, pids: () => readonly number[], turn: number): Promise<void> {
  await until(`${processes} ${what}`, () => pids().length === processes, patient);
  const victim = pids()[turn % processes] ?? -1;
  process.kill(victim, 'SIGKILL');
  const replaced = () => pids().length === processes && !pids().includes(victim);
  await until(`another of the ${what} in the place of ${victim}`, replaced, patient);
}

test(
  'no request fails while S3 is away for a minute and ten processes are killed meanwhile',
  async () => {
    await stage.switchTo('flights', { champion: versions.one, shadows: [versions.three] });
    await stage.s3.down();
    const began = Date.now();
    for (let turn = 0; turn < kills.answering; turn += 1) {
      await killOne('answering processes', () => stage.server.answering(), turn);
      if (turn < kills.hosts) await killOne('hosts', () => stage.hosts(), turn);
    }
    await expectServing();
    await wait(Math.max(0, began + s3AwayMs - Date.now()));
    await stage.s3.up();
    await expectServing();
    expect((await stage.status('flights')).problem).toBeNull();
  },
  limit,
);

/** Puts a package on the endpoint that cannot come into force; gives why it did not. */
async function refusalOf(champion: ModelReference): Promise<string> {
  const { epoch } = await stage.status('flights');
  await stage.put('flights', { champion });
  const problem = async () => (await stage.status('flights')).problem;
  await until('a refusal', async () => (await problem())?.message.includes(champion.modelVersion) === true, patient);
  const status = await stage.status('flights');
  expect(status).toMatchObject({ epoch, problem: { code: 'MODEL_INVALID' } });
  return status.problem?.message ?? '';
}

test(
  'a package that does not load never comes into force, and says why',
  async () => {
    const broken = await putBrokenPackage(stage.serving.store, { model: 'flights', modelVersion: '44' });
    expect(await refusalOf(broken)).toContain('flights version 44');
    await expectServing();
  },
  limit,
);

test(
  'a package that takes more memory than there is never comes into force, and says why',
  async () => {
    const greedy = await putTinyPackage(
      stage.serving.store,
      { model: 'flights', modelVersion: '55' },
      { bias: 0, matrix: 16_000 },
    );
    expect(await refusalOf(greedy)).toMatch(/flights version 55.*memory/);
    await expectServing();
  },
  limit,
);

test(
  'after all that a good route comes into force',
  async () => {
    await stage.switchTo('flights', { champion: versions.two });
    expect((await stage.status('flights')).problem).toBeNull();
    await expectServing();
  },
  limit,
);

test(
  'the log holds exactly the answered requests, each once',
  async () => {
    await load.stop();
    expect(load.takeFailures()).toEqual([]);
    await stage.server.stop();
    // What a busy machine did not bring to the bucket within the time of a stop waits on the disk for the next start.
    const next = await stage.serving.start();
    await until('the rest of the log is in the bucket', () => segmentsLeft(stage.serving) === 0, patient);
    await next.stop();
    for (const [endpoint, ids] of load.ids()) {
      expect(ids.size).toBeGreaterThan(500);
      const rows = await rowsInBucket(stage.serving, `inference/${endpoint}/`);
      const live = rows.filter(({ shadow }) => shadow === false).map(({ requestId }) => String(requestId));
      const seen = new Set(live);
      expect({
        lost: [...ids].filter((id) => !seen.has(id)),
        unknown: live.filter((id) => !ids.has(id)),
        rows: live.length,
      }).toEqual({ lost: [], unknown: [], rows: ids.size });
      const shadowed = rows.filter(({ shadow }) => shadow === true).map(({ requestId }) => String(requestId));
      expect(shadowed.length).toBe(new Set(shadowed).size);
      expect(shadowed.filter((id) => !ids.has(id))).toEqual([]);
    }
  },
  limit,
);
