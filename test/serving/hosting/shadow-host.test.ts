import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { openPolicy } from '../../../domain/endpoint-policy.ts';
import type { InferenceRow } from '../../../domain/inference.ts';
import type { Route } from '../../../domain/route.ts';
import type { EndpointCounters } from '../../../serving/endpoint-status.ts';
import { createHosts, type Hosts } from '../../../serving/hosting/hosts.ts';
import { openShadowFeed, type ShadowJob } from '../../../serving/hosting/shadow-feed.ts';
import { type TinyModel, tinyPackageFiles } from '../../support/tiny-model.ts';
import { until } from '../harness.ts';
import { unmeasuredPlan } from '../../support/unmeasured-plan.ts';

const reference = { model: 'tiny', modelVersion: '4', packageDigest: 'd'.repeat(64) };
const policy = openPolicy('flights');
const routeOf = (epoch: number): Route => ({
  endpoint: 'flights',
  epoch,
  changeId: 'c',
  arms: [{ name: 'champion', version: reference, weight: 100 }],
  shadows: [reference],
  at: '2026-01-01T00:00:00Z',
  who: 'test',
  why: 'test',
});
const job = (requestId: string, origin = 'SFO'): ShadowJob => ({
  requestId,
  subject: `subject of ${requestId}`,
  record: { date: '2001-03-04T17:30:00', distance: 1_000, origin },
  features: null,
});

let home = '';
let hosts: Hosts;
let ended: string[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'perdura-shadows-'));
  ended = [];
  hosts = createHosts({
    folder: join(home, 'sockets'),
    log: { folder: join(home, 'inference'), replica: 'one', flushEveryMs: 100 },
    onlineStore: { folder: join(home, 'online'), url: null },
    pricePerHour: 3_600,
    restore: () => Promise.resolve(),
    report: () => undefined,
    onReport: () => undefined,
    onWriterEnded: (writer, how) => void ended.push(`${writer} ${how}`),
  });
});
afterEach(async () => {
  await hosts.close();
  await rm(home, { recursive: true, force: true });
});

async function shadowOf(model: TinyModel) {
  const folder = dirname((await tinyPackageFiles(model))['model.onnx']);
  const prepared = { reference, folder, plan: { ...unmeasuredPlan, batching: { rows: 16, waitMs: 0 } } };
  const host = await hosts.shadow({ prepared, route: routeOf(7), policy });
  const counted = async (): Promise<EndpointCounters> =>
    (await host.report()).counters['flights'] ?? { answered: 0, failed: 0, shadowed: 0, shadowDropped: 0, logged: 0 };
  return { host, counted, feed: openShadowFeed(host.socket, { capacityBytes: 4 * 1024 * 1024 }) };
}

/** What shadows wrote on the disk, by request id. */
async function written(): Promise<ReadonlyMap<string, InferenceRow>> {
  const folder = join(home, 'inference');
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.includes('.jsonl'));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  const rows = texts.flatMap((text) => text.split('\n').filter(Boolean));
  return new Map(rows.map((line) => JSON.parse(line) as InferenceRow).map((row) => [row.requestId, row]));
}

test('a shadow answers each copy into a log of its own', async () => {
  const { feed, counted } = await shadowOf({ bias: 0, distance: 1 });
  for (let at = 0; at < 100; at += 1) feed.offer(job(`r${at}`));
  feed.offer({ ...job('tensors'), record: null, features: { distance: 2, hour: 0, origin: 'SFO' } });
  await until('all shadowed', async () => (await counted()).shadowed === 101);
  const rows = await written();
  expect(rows.size).toBe(101);
  expect(rows.get('r42')).toMatchObject({
    subject: 'subject of r42',
    endpoint: 'flights',
    epoch: 7,
    arm: 'shadow',
    shadow: true,
    model: 'tiny',
    modelVersion: '4',
    status: 200,
  });
  expect(rows.get('r42')?.output).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
  expect(rows.get('tensors')?.output).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
  // 3,600 an hour are 0.001 a millisecond.
  const { computeMs = 0, cost } = rows.get('r42') ?? {};
  expect(cost).toBeCloseTo(computeMs * 0.001, 9);
  expect(feed.dropped()).toBe(0);
  feed.close();
});

test('a copy that the shadow fails on is a row with status 500, and its neighbours are answered', async () => {
  const { feed, counted } = await shadowOf({ bias: 0 });
  for (const copy of [job('good'), job('bad', 'BOOM'), { ...job('odd'), record: { distance: 'far' } }])
    feed.offer(copy);
  await until('all shadowed', async () => (await counted()).shadowed === 3);
  const rows = await written();
  expect(rows.get('good')).toMatchObject({ status: 200 });
  expect(rows.get('bad')).toMatchObject({ status: 500 });
  expect(rows.get('bad')?.error).toContain('FEATURES_INVALID: The feature function of tiny version 4 failed');
  expect(rows.get('odd')?.error).toContain('INPUT_INVALID');
  feed.close();
});

test('a shadow that falls behind drops copies, counts every one, and logs the others', async () => {
  const { feed, host, counted } = await shadowOf({ bias: 0, spinMs: 1 });
  const offered = 5_000;
  for (let at = 0; at < offered; at += 1) feed.offer(job(`r${at}`));
  await until('some dropped', async () => (await counted()).shadowDropped > 0);
  feed.close();
  let last: EndpointCounters | undefined;
  // Some seconds of work at the lowest priority: on a busy machine they take long.
  const accounted = async (): Promise<boolean> => {
    last = await counted();
    return last.shadowed + last.shadowDropped + feed.dropped() === offered;
  };
  await until('all accounted for', accounted, { atMostMs: 90_000 });
  await host.close();
  expect((await written()).size).toBe(last?.shadowed);
  expect(last?.shadowed).toBeGreaterThanOrEqual(4_096 - 64);
}, 120_000);

test('a shadow has a lower priority than the processes that answer', async () => {
  const { host, feed } = await shadowOf({ bias: 0 });
  expect(getPriority(host.pid ?? -1)).toBe(10);
  feed.close();
});

test('new terms hold from the next copies on, without another process', async () => {
  const { host, feed, counted } = await shadowOf({ bias: 0 });
  const pid = host.pid;
  feed.offer(job('before'));
  await until('the first', async () => (await counted()).shadowed === 1);
  host.update({ route: routeOf(8), policy });
  // Messages of one channel come in order: once this one is answered, the terms are in force.
  await host.report();
  feed.offer(job('after'));
  await until('the second', async () => (await counted()).shadowed === 2);
  const rows = await written();
  expect([rows.get('before')?.epoch, rows.get('after')?.epoch]).toEqual([7, 8]);
  expect(host.pid).toBe(pid);
  feed.close();
});

test('a killed shadow comes back with another part of the log, and copies meanwhile are dropped and counted', async () => {
  const { host, feed, counted } = await shadowOf({ bias: 0 });
  feed.offer(job('before'));
  await until('the first', async () => (await counted()).shadowed === 1);
  const pid = host.pid;
  process.kill(pid ?? -1, 'SIGKILL');
  await until('its end', () => ended.length === 1);
  feed.offer(job('lost'));
  await until('the loss', () => feed.dropped() === 1);
  await until('another process', () => host.pid !== null && host.pid !== pid);
  let sent = 0;
  await until('an answer again', async () => {
    feed.offer(job(`after ${(sent += 1)}`));
    return (await counted().catch(() => null))?.shadowed !== undefined && (await counted()).shadowed > 0;
  });
  expect(ended).toEqual(['s1 killed']);
  feed.close();
  await host.close();
  expect(ended).toEqual(['s1 killed', 's2 clean']);
  const rows = await written();
  expect(rows.has('before')).toBe(true);
  expect(rows.has('lost')).toBe(false);
});
