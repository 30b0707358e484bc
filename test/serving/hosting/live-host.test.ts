import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import { createHosts, type Hosts } from '../../../serving/hosting/hosts.ts';
import type { ModelPlan, PreparedModel } from '../../../serving/models/model-plan.ts';
import { openModel } from '../../../serving/models/open-model.ts';
import { type TinyModel, tinyPackageFiles } from '../../support/tiny-model.ts';
import { until } from '../harness.ts';
import { unmeasuredPlan } from '../../support/unmeasured-plan.ts';

const row = (distance: number) => ({ rows: 1, numbers: Float32Array.of(distance, 0), categories: ['SFO'] });
const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

let home = '';
let hosts: Hosts;
let lines: string[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'perdura-hosts-'));
  lines = [];
  hosts = createHosts({
    folder: join(home, 'sockets'),
    log: { folder: join(home, 'inference'), replica: 'one', flushEveryMs: 100 },
    onlineStore: { folder: join(home, 'online'), url: null },
    pricePerHour: null,
    restore: () => Promise.resolve(),
    report: (line) => void lines.push(line),
    onReport: () => undefined,
    onWriterEnded: () => undefined,
  });
});
afterEach(async () => {
  await hosts.close();
  await rm(home, { recursive: true, force: true });
});

const hosted: ModelPlan = { ...unmeasuredPlan, placement: 'host', batching: { rows: 64, waitMs: 0 } };

async function packageOf(model: TinyModel): Promise<Omit<PreparedModel, 'socket'>> {
  const folder = dirname((await tinyPackageFiles(model))['model.onnx']);
  return { reference: { model: 'tiny', modelVersion: '3', packageDigest: 'c'.repeat(64) }, folder, plan: hosted };
}

async function open(model: TinyModel) {
  const prepared = await packageOf(model);
  const host = await hosts.live(prepared);
  return { prepared, host, model: await openModel({ ...prepared, socket: host.socket }) };
}

test('a package in a host answers as it would here, and many callers share its runs', async () => {
  const { model, host } = await open({ bias: 0.5, distance: 2, origins: { SFO: 1 } });
  const distances = Array.from({ length: 200 }, (_, at) => at / 100);
  const runs = await Promise.all(distances.map((distance) => model.run(row(distance))));
  for (const [at, { outputs }] of runs.entries()) {
    expect(outputs[0]).toBeCloseTo(sigmoid(2 * (distances[at] ?? 0) + 1.5), 6);
  }
  expect(model.features.features({ date: 0, distance: 1_000, origin: 'SFO' }, {})).toEqual({
    distance: 1,
    hour: 0,
    origin: 'SFO',
  });
  const { metrics, loads } = await host.report();
  expect(loads).toBe(1);
  expect(metrics.length).toBeGreaterThan(0);
  await model.close();
});

test('a failure of the model comes back with its code, and the neighbours are answered', async () => {
  const { model } = await open({ bias: 0 });
  const [good, bad, also] = await Promise.allSettled([row(1), row(Number.NaN), row(2)].map((each) => model.run(each)));
  expect(good?.status).toBe('fulfilled');
  expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'MODEL_INVALID' } });
  expect(also?.status).toBe('fulfilled');
  await model.close();
});

test('runs under way when a host is killed are answered by the next one, on the same socket', async () => {
  const { model, host } = await open({ bias: 0, distance: 1, matrix: 3_000, passes: 10 });
  const first = host.pid;
  const runs = Array.from({ length: 20 }, (_, at) => model.run(row(at)));
  await new Promise((resolve) => setImmediate(resolve));
  process.kill(first ?? -1, 'SIGKILL');
  const answers = await Promise.all(runs);
  for (const [at, { outputs }] of answers.entries()) expect(outputs[0]).toBeCloseTo(sigmoid(at), 5);
  expect(host.pid).not.toBe(first);
  expect(lines).toEqual(['The host of tiny version 3 ended (SIGKILL) and is started again.']);
  await model.close();
});

test('a host that is killed again and again answers every run', async () => {
  const { model, host } = await open({ bias: 0, distance: 1 });
  for (let kill = 0; kill < 5; kill += 1) {
    const pid = host.pid;
    const before = model.run(row(kill));
    process.kill(pid ?? -1, 'SIGKILL');
    expect((await before).outputs[0]).toBeCloseTo(sigmoid(kill), 5);
    await until('another process', () => host.pid !== null && host.pid !== pid);
    expect((await model.run(row(-kill))).outputs[0]).toBeCloseTo(sigmoid(-kill), 5);
  }
  await model.close();
});

test('two users of a package share one process, which ends with the last of them', async () => {
  const prepared = await packageOf({ bias: 0 });
  const [first, second] = await Promise.all([hosts.live(prepared), hosts.live(prepared)]);
  expect(second.pid).toBe(first.pid);
  await first.close();
  await first.close();
  expect(second.pid).not.toBeNull();
  await second.close();
  expect(hosts.pids()).toEqual([]);
  expect(await readdir(join(home, 'sockets'))).toEqual([]);
  await expect(second.report()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
});

test('a package that does not load is refused with its reason, and no process stays', async () => {
  const prepared = await packageOf({ bias: 0 });
  const missing = { ...prepared, folder: join(home, 'nothing') };
  await expect(hosts.live(missing)).rejects.toThrow('nothing');
  expect(hosts.pids()).toEqual([]);
  expect(lines).toEqual([]);
});

test('the event loop of who asks stays free while a slow model is hammered', async () => {
  const { model } = await open({ bias: 0, matrix: 3_000, passes: 50 });
  const lag = monitorEventLoopDelay({ resolution: 5 });
  lag.enable();
  const startedAt = performance.now();
  const callMs: number[] = [];
  const caller = async (): Promise<void> => {
    while (performance.now() < startedAt + 2_000) {
      const askedAt = performance.now();
      await model.run(row(1));
      callMs.push(performance.now() - askedAt);
    }
  };
  await Promise.all(Array.from({ length: 16 }, caller));
  lag.disable();
  expect(callMs.length).toBeGreaterThan(16);
  // The model here would hold the loop for as long as the fastest call took.
  expect(lag.percentile(99) / 1e6).toBeLessThan(Math.min(...callMs) / 2);
  await model.close();
});
