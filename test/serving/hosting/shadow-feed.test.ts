import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createLineReader } from '../../../serving/hosting/lines.ts';
import { openShadowFeed, type ShadowJob } from '../../../serving/hosting/shadow-feed.ts';
import { until } from '../harness.ts';

const job = (requestId: string): ShadowJob => ({ requestId, subject: 's', record: { text: 'ä\n"' }, features: null });

let folder = '';
let socket = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-feed-'));
  socket = join(folder, 's');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A host that reads what comes, or nothing. */
async function listen(onSocket: (socket: Socket) => void) {
  const open: Socket[] = [];
  const server = createServer((connected) => {
    open.push(connected);
    onSocket(connected);
  });
  await new Promise<void>((resolve) => {
    server.listen(socket, resolve);
  });
  return async (): Promise<void> => {
    for (const connected of open) connected.destroy();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  };
}

test('copies arrive whole and in order', async () => {
  const seen: ShadowJob[] = [];
  const read = createLineReader((line) => seen.push(JSON.parse(line) as ShadowJob));
  const close = await listen((connected) => void connected.on('data', read));
  const feed = openShadowFeed(socket, { capacityBytes: 1_000_000 });
  const jobs = Array.from({ length: 1_000 }, (_, at) => job(`r${at}`));
  for (const each of jobs) feed.offer(each);
  await until('all', () => seen.length === jobs.length);
  expect(seen).toEqual(jobs);
  expect(feed.dropped()).toBe(0);
  feed.close();
  await close();
});

test('what is offered to a host that is away is dropped and counted, and it is found once it is there', async () => {
  const feed = openShadowFeed(socket, { capacityBytes: 1_000_000 });
  await until('the first loss', () => {
    feed.offer(job('a'));
    return feed.dropped() > 0;
  });
  const seen: string[] = [];
  const close = await listen((connected) => void connected.on('data', (bytes) => seen.push(bytes.toString())));
  await until('a copy', () => {
    feed.offer(job('b'));
    return seen.length > 0;
  });
  expect(seen.join('').split('\n')[0]).toBe(JSON.stringify(job('b')));
  feed.close();
  await close();
});

test('a host that does not read costs no more memory than its capacity, and every copy beyond is counted', async () => {
  const close = await listen((connected) => void connected.pause());
  const feed = openShadowFeed(socket, { capacityBytes: 100_000 });
  const large = { ...job('large'), record: 'x'.repeat(10_000) };
  for (let turn = 0; turn < 1_000 && feed.dropped() === 0; turn += 1) {
    feed.offer(large);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const dropped = feed.dropped();
  expect(dropped).toBeGreaterThan(0);
  feed.offer(large);
  expect(feed.dropped()).toBe(dropped + 1);
  feed.close();
  await close();
});
