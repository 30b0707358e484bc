import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { openLogCollector } from '../../../serving/log/collector.ts';
import { leftBehind } from '../../../serving/log/left-behind.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import { until } from '../harness.ts';
import { collectorOptions } from './bucket-rows.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-left-behind-'));
  await mkdir(join(folder, 'own'));
});
afterEach(() => rm(folder, { recursive: true }));

const keyOf = (replica: string, number: number) => `labels/flights/dt=2026-03-01/hr=10/${replica}-${number}.parquet`;

async function leaveSegments(replica: string, count: number): Promise<void> {
  await mkdir(join(folder, replica));
  for (let next = 0; next < count; next += 1) {
    const label = '{"requestId":"a","label":1,"at":"2026-03-01T10:00:00.000Z"}\n';
    await writeFile(join(folder, replica, `${encodeURIComponent(keyOf(replica, next))}.jsonl`), label);
  }
}

/** What the lock tells another process: it tells its own nothing. */
async function isFree(replica: string): Promise<boolean> {
  const module = new URL('../../../dist/serving/log/replica-lock.js', import.meta.url).href;
  const script = `const { lockReplica } = await import(${JSON.stringify(module)});
    await lockReplica(process.argv[1]).then(() => console.log('free'), (error) => console.log(error.code));`;
  const asked = ['--input-type=module', '--eval', script, join(folder, replica)];
  const { stdout } = await promisify(execFile)(process.execPath, asked);
  if (!['free\n', 'CONFLICT\n'].includes(stdout)) throw new Error(stdout);
  return stdout === 'free\n';
}

test('a folder is let go with the last of its segments, and not before', async () => {
  await leaveSegments('gone', 2);
  const obstacle = join(folder, 'gone', `${encodeURIComponent(keyOf('gone', 1))}.jsonl.tmp`);
  await mkdir(join(obstacle, 'stands here'), { recursive: true });
  const reports: string[] = [];
  const store = createMemoryObjectStore();
  const collector = await openLogCollector(
    collectorOptions(folder, { store, replica: 'own', report: (line) => reports.push(line) }),
  );
  await until('the first is in the bucket', () => store.head(keyOf('gone', 0)).then(Boolean, () => false));
  expect([await isFree('gone'), await isFree('own')]).toEqual([false, false]);
  await rm(obstacle, { recursive: true });
  await until('the folder is free', () => isFree('gone'));
  await store.head(keyOf('gone', 1));
  expect(reports[0]).toContain(keyOf('gone', 1));
  await collector.close({ atMostMs: 10_000 });
  expect(await isFree('own')).toBe(true);
});

test('a folder with nothing in it is not touched', async () => {
  await mkdir(join(folder, 'empty'));
  expect(await leftBehind(folder, 'own')).toEqual([]);
  expect(await readdir(join(folder, 'empty'))).toEqual([]);
});
