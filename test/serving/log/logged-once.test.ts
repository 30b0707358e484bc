import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { openLogCollector } from '../../../serving/log/collector.ts';
import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { until } from '../harness.ts';
import { collectorOptions, rowsOf } from './bucket-rows.ts';
import { startWriting, type WritingProcess } from './writing-process.ts';

const atMostMs = 60_000;
let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-once-'));
  store = createMemoryObjectStore();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function timesInBucket(): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>();
  for (const { requestId } of await rowsOf(store)) times.set(requestId, (times.get(requestId) ?? 0) + 1);
  return times;
}

test(
  'a request that a killed process logged and another answered is logged once, wherever the kill fell',
  async () => {
    const collector = await openLogCollector(collectorOptions(folder, { store }));
    const staying = await startWriting(folder, 'staying', 120);
    const answered = new Set<string>();
    let repeated = 0;
    for (let round = 0; round < 12; round += 1) {
      const victim = await startWriting(folder, `victim-${round}`, 60);
      repeated += await hammerAndKill({ victim, staying, round, answered });
      collector.writerEnded(`victim-${round}`, 'killed');
    }
    await until('all answers are in the bucket', async () => (await timesInBucket()).size >= answered.size, {
      atMostMs,
    });
    await staying.kill();
    await collector.close({ atMostMs: 10_000 });
    const times = await timesInBucket();
    expect(repeated).toBeGreaterThan(50);
    expect([...answered].filter((id) => times.get(id) !== 1)).toEqual([]);
    expect([...times].filter(([, count]) => count !== 1)).toEqual([]);
  },
  atMostMs,
);

/** Sends requests until the kill, which falls somewhere among them; what got no answer is sent to the other process. */
async function hammerAndKill(of: {
  readonly victim: WritingProcess;
  readonly staying: WritingProcess;
  readonly round: number;
  readonly answered: Set<string>;
}): Promise<number> {
  const open = new Set<string>();
  const pauseMs = 5 + of.round * 9;
  const late = performance.now() + pauseMs;
  for (let next = 0; performance.now() < late; next += 1) {
    const id = `${of.round}-${next}`;
    open.add(id);
    void of.victim.ask(id).then(() => {
      open.delete(id);
      of.answered.add(id);
    });
    if (next % 20 === 19) await wait(1);
  }
  await of.victim.kill();
  const unanswered = [...open];
  await Promise.all(unanswered.map((id) => of.staying.ask(id)));
  for (const id of unanswered) of.answered.add(id);
  return unanswered.length;
}

test(
  'a request that was repeated to a server that was killed too is logged once after the next start',
  async () => {
    const first = await startWriting(folder, 'first', 60_000);
    await Promise.all(['a', 'b', 'c'].map((id) => first.ask(id)));
    await first.kill();
    const second = await startWriting(folder, 'second', 60_000);
    await Promise.all(['b', 'c', 'd'].map((id) => second.ask(id)));
    await second.kill();
    const collector = await openLogCollector(collectorOptions(folder, { store }));
    const next = await startWriting(folder, 'next', 60_000);
    await Promise.all(['d', 'e'].map((id) => next.ask(id)));
    await until('what the killed ones left is in the bucket', async () => (await rowsOf(store)).length === 3, {
      atMostMs,
    });
    await next.kill();
    await collector.close({ atMostMs: 10_000 });
    const by = (await rowsOf(store)).map(({ requestId, caller }) => `${requestId} by ${String(caller)}`).toSorted();
    expect(by).toEqual(['a by first', 'b by second', 'c by second', 'd by next', 'e by next']);
  },
  atMostMs,
);

test(
  'the open segment of a process that lives is left alone, also by a collector that started after it',
  async () => {
    const living = await startWriting(folder, 'living', 60_000);
    await living.ask('a');
    const ended = await startWriting(folder, 'ended', 60_000);
    await ended.ask('of another');
    await ended.kill();
    const collector = await openLogCollector(collectorOptions(folder, { store, retryWindowMs: 100 }));
    const ids = async () => (await rowsOf(store)).map(({ requestId }) => requestId);
    await until('the other one is in the bucket', async () => (await ids()).length > 0, { atMostMs });
    await living.ask('b');
    expect(await ids()).toEqual(['of another']);
    await living.kill();
    collector.writerEnded('living', 'killed');
    await until('all rows are in the bucket', async () => (await ids()).length === 3, { atMostMs });
    await collector.close({ atMostMs: 10_000 });
  },
  atMostMs,
);
