import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { leftBehind } from '../../serving/log/left-behind.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-left-behind-'));
  await mkdir(join(folder, 'own'));
});
afterEach(() => rm(folder, { recursive: true }));

async function leaveSegments(replica: string, count: number): Promise<void> {
  await mkdir(join(folder, replica));
  for (let next = 0; next < count; next += 1) {
    const key = `labels/flights/dt=2026-03-01/hr=10/${replica}-${next}.parquet`;
    await writeFile(join(folder, replica, `${encodeURIComponent(key)}.jsonl`), '');
  }
}

/** What the lock tells another process: it tells its own nothing. */
async function isFree(replica: string): Promise<boolean> {
  const module = new URL('../../dist/serving/log/replica-lock.js', import.meta.url).href;
  const script = `const { lockReplica } = await import(${JSON.stringify(module)});
    await lockReplica(process.argv[1]).then(() => console.log('free'), (error) => console.log(error.code));`;
  const asked = ['--input-type=module', '--eval', script, join(folder, replica)];
  const { stdout } = await promisify(execFile)(process.execPath, asked);
  if (!['free\n', 'CONFLICT\n'].includes(stdout)) throw new Error(stdout);
  return stdout === 'free\n';
}

test('a folder is held until the last of its segments is dealt with, and no longer', async () => {
  await leaveSegments('gone', 2);
  await leaveSegments('other', 1);
  const left = await leftBehind(folder, 'own');
  const [first, last] = left.segments.filter(({ file }) => file.startsWith(join(folder, 'gone')));
  if (first === undefined || last === undefined) throw new Error('Two segments were left.');
  left.done(first);
  expect(await isFree('gone')).toBe(false);
  left.done(last);
  expect([await isFree('gone'), await isFree('other')]).toEqual([true, false]);
  left.release();
  expect(await isFree('other')).toBe(true);
});
