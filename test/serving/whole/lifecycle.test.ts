import { type ChildProcess, fork, spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { ModelReference } from '../../../domain/model-package.ts';
import { claimPorts } from '../../../serving/control/claim-port.ts';
import type { ServingConfig } from '../../../serving/serving-config.ts';
import { writePackage } from '../../../stores/packages.ts';
import { startSteadyLoad } from '../../end-to-end/steady-load.ts';
import { testKey } from '../../support/test-key.ts';
import { type TestS3, withTestS3 } from '../../support/test-s3.ts';
import { putTinyPackage, tinyPackageFiles } from '../../support/tiny-model.ts';
import { get, rowsInBucket, segmentsLeft, type Serving, setRoute, until, untilEpoch, withServing } from '../harness.ts';
import { openFiles, pidsOf, processesOn, residentBytes } from './processes.ts';

/** Processes start slowly on a machine that is busy with other tests. */
const atMostMs = 60_000;
const programs = ['answering/main.js', 'hosting/main.js', 'models/measure-main.js'] as const;
const main = fileURLToPath(new URL('../../../dist/serving/main.js', import.meta.url));

let s3: TestS3;
let serving: Serving;
let fast: ModelReference;
let slow: ModelReference;

beforeAll(async () => {
  s3 = await withTestS3();
  serving = await withServing(s3);
  const put = (model: string, tiny: Parameters<typeof putTinyPackage>[2]) =>
    putTinyPackage(serving.store, { model, modelVersion: '1' }, tiny);
  [fast, slow] = [
    await put('fast', { bias: -1 }),
    // Above a millisecond a row: it gets a host.
    await put('slow', { bias: -1, matrix: 3_000 }),
  ];
}, atMostMs);

afterAll(() => serving.close(), atMostMs);

/** Forks a control process, so that a test can kill it before it is ready. */
function forkServer(replica: string): ChildProcess {
  const config: ServingConfig = {
    s3: s3.s3,
    homeFolder: serving.homeFolder,
    host: '127.0.0.1',
    port: null,
    grpcPort: null,
    adminPort: null,
    processes: 2,
    tls: null,
    pricePerHour: null,
    replica,
    flushEveryMs: 100,
    maxInFlight: 64,
    bodyLimitBytes: 65_536,
    retryWindowMs: 100,
    recycleAfterLoads: 20,
    modelMemoryLimitBytes: 1e9,
    onlineStore: null,
    trustedKeys: null,
  };
  const env = { ...process.env, PERDURA_SERVING_CONFIG: JSON.stringify(config) };
  return fork(main, [], { env, execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
}

const left = (): readonly string[] => processesOn(serving.homeFolder).map(({ pid, command }) => `${command} ${pid}`);

/** Resolves with what is left in the end: nothing, or what had to be killed by this. */
async function untilNoneLeft(): Promise<readonly string[]> {
  const none = await until('no process is left', () => left().length === 0).then(
    () => true,
    () => false,
  );
  if (none) return [];
  const found = left();
  // They must not outlive the test that found them.
  for (const { pid } of processesOn(serving.homeFolder)) process.kill(pid, 'SIGKILL');
  return found;
}

async function killWhen(control: ChildProcess, what: string, condition: () => boolean): Promise<void> {
  const exited = new Promise((done) => control.once('exit', done));
  await until(what, condition, { atMostMs: 30_000 });
  control.kill('SIGKILL');
  await exited;
}

test.each(programs)(
  'a %s whose parent is gone before it runs ends by itself',
  async (program) => {
    const entry = fileURLToPath(new URL(`../../../dist/serving/${program}`, import.meta.url));
    const folder = dirname((await tinyPackageFiles({ bias: 0, matrix: 3_000, passes: 30 }))['model.onnx']);
    const measured = { rowMs: 1, batchRows: 1, batchMs: 1, loadMs: 1, memoryBytes: 1 };
    const plan = { provider: 'cpu', threads: 1, maxRows: 1, batching: null, placement: 'host', measured };
    const prepared = { reference: slow, folder, plan };
    const env = {
      ...process.env,
      PERDURA_HOST_CONFIG: JSON.stringify({
        prepared: { ...prepared, socket: join(serving.homeFolder, 's') },
        shadow: null,
      }),
      PERDURA_MEASURE_CONFIG: JSON.stringify({ ...prepared, cores: 2, device: 'cpu', memoryLimitBytes: 1e9 }),
      PERDURA_TEST_HOME: serving.homeFolder,
    };
    // The child's channel is closed while it loads its modules: nobody hears that who waits for an event later.
    const parent = `require('node:child_process').fork(${JSON.stringify(entry)}, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 60);`;
    const gone = spawn(process.execPath, ['-e', parent], { env, stdio: 'ignore' });
    await new Promise((done) => gone.once('exit', done));
    expect(await untilNoneLeft()).toEqual([]);
  },
  atMostMs,
);

test(
  'kill -9 of the control process at any stage of a start leaves no process running',
  async () => {
    await setRoute(serving.store, 'shadowed', { champion: fast, shadows: [slow] });
    await setRoute(serving.store, 'hosted', { champion: slow, shadows: [fast] });
    for (const program of programs.toReversed()) {
      const control = forkServer('beheaded');
      await killWhen(control, `a ${program}`, () => pidsOf(serving.homeFolder, program).length > 0);
      expect(await untilNoneLeft()).toEqual([]);
    }
    await setRoute(serving.store, 'shadowed', { champion: fast });
    await setRoute(serving.store, 'hosted', { champion: fast });
  },
  atMostMs,
);

test(
  'a measuring process that never gives its loop back ends with the control process all the same',
  async () => {
    const files = await tinyPackageFiles({ bias: 0 });
    await writeFile(files['features.mjs'], 'for (;;);');
    const endless = await writePackage(serving.store, { model: 'endless', modelVersion: '1' }, files, await testKey());
    await rm(dirname(files['model.onnx']), { recursive: true });
    await setRoute(serving.store, 'endless', { champion: endless });
    const control = forkServer('beheaded');
    const started = { at: 0 };
    await killWhen(control, 'the loop', () => {
      const runs = pidsOf(serving.homeFolder, 'models/measure-main.js').length > 0;
      if (runs && started.at === 0) started.at = Date.now();
      return runs && Date.now() - started.at > 1_500;
    });
    expect(await untilNoneLeft()).toEqual([]);
    await setRoute(serving.store, 'endless', { champion: fast });
  },
  atMostMs,
);

test('a route that flips all the time, with shadows and hosts that come and go, costs no request and leaves nothing behind', async () => {
  const server = await serving.start({ replica: 'flipped', recycleAfterLoads: 1_000 });
  await setRoute(serving.store, 'flipped', { champion: fast });
  await until('it answers', async () => (await get(server.url, '/v2/models/flipped')).status === 200);
  const load = startSteadyLoad({
    url: server.url,
    grpcUrl: server.grpcUrl,
    name: 'flip',
    rates: { flipped: 100 },
    expected: () => sigmoid(-1),
  });
  const hint = () => fetch(`${server.adminUrl}/hint`, { method: 'POST' }).then((answer) => answer.text());
  const routes = [
    { champion: fast, shadows: [fast] },
    { champion: slow },
    { champion: fast, challenger: { version: slow, weight: 50 }, shadows: [slow] },
    { champion: fast },
  ];
  const flipped = (route: number) =>
    setRoute(serving.store, 'flipped', routes[route % routes.length] ?? { champion: fast });
  const atStart = { memory: 0, files: 0 };
  const failures: string[] = [];
  // A busy machine may tell a client to come again; that is no answer and stands in no log.
  const takeFailures = () => failures.push(...load.takeFailures().filter((each) => !each.includes('Send again in')));
  let flips = 0;
  for (const end = Date.now() + 6_000; Date.now() < end; flips += 1) {
    await Promise.all([flipped(flips), new Promise((done) => setTimeout(done, 100))]);
    await hint();
    takeFailures();
    if (flips !== 10) continue;
    atStart.memory = residentBytes(server.answering());
    atStart.files = openFiles(server.answering());
  }
  const { epoch } = await setRoute(serving.store, 'flipped', { champion: fast });
  await untilEpoch(server.url, 'flipped', epoch);
  await load.stop();
  takeFailures();
  expect(failures).toEqual([]);
  console.info(`${flips} flips, ${load.answered()} answers`);
  await until('no host is left', () => pidsOf(serving.homeFolder, 'hosting/main.js').length === 0, {
    atMostMs: 30_000,
  });
  const atEnd = { memory: residentBytes(server.answering()), files: openFiles(server.answering()) };
  // What was not let go of would be one more of everything a flip.
  expect(atEnd.files).toBeLessThan(atStart.files + 10);
  expect(atEnd.memory).toBeLessThan(atStart.memory * 1.3);
  await server.stop();
  expect(segmentsLeft(serving, 'flipped')).toBe(0);
  const rows = (await rowsInBucket(serving, 'inference/flipped/')).filter(({ shadow }) => shadow !== true);
  expect(rows.map(({ requestId }) => String(requestId)).toSorted()).toEqual(
    [...(load.ids().get('flipped') ?? [])].toSorted(),
  );
}, 90_000);

test(
  'a shadow that fails while a champion is still measured costs its own route only',
  async () => {
    const server = await serving.start({ replica: 'one-bad-shadow' });
    const champion = await putTinyPackage(
      serving.store,
      { model: 'fresh', modelVersion: '1' },
      { bias: 0, matrix: 1_000 },
    );
    const missing = { model: 'nowhere', modelVersion: '1', packageDigest: '0'.repeat(64) };
    await setRoute(serving.store, 'half-bad', { champion: fast });
    await until('it answers', async () => (await get(server.url, '/v2/models/half-bad')).status === 200);
    await setRoute(serving.store, 'half-bad', { champion, shadows: [missing] });
    const problem = async () => (await get(server.url, '/endpoints/half-bad')).body['problem'];
    await until('its problem shows', async () => (await problem()) !== null);
    expect(await problem()).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('nowhere') as string });
    expect((await get(server.url, '/v2/models/half-bad')).status).toBe(200);
    await server.stop();
    expect(await server.exited).toBe(0);
  },
  atMostMs,
);

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

test(
  'of two servers that want one port at the same moment one gets it, and the other is told so and leaves nothing running',
  async () => {
    const before = left();
    const [port = 0] = await claimPorts('127.0.0.1', [{ port: null, setting: 'PERDURA_SERVING_PORT' }]);
    const both = await Promise.allSettled([
      serving.start({ replica: 'left', port }),
      serving.start({ replica: 'right', port }),
    ]);
    const started = both.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const refused = both.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    await Promise.all(started.map((server) => server.stop()));
    expect(refused).toMatchObject([
      { code: 'PORT_IN_USE', message: expect.stringContaining(`Port ${port}`) as string },
    ]);
    expect(started).toHaveLength(1);
    await until('all are gone', () => left().length === before.length);
  },
  atMostMs,
);
