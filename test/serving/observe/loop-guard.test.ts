import { setImmediate as turn } from 'node:timers/promises';

import { createLoopGuard, overloaded } from '../../../serving/observe/loop-guard.ts';
import { type LoopLag, watchLoopLag } from '../../../serving/observe/loop-lag.ts';
import { until } from '../harness.ts';

/** Keeps the event loop busy: turns of so many milliseconds, for so long. */
async function busy(turnMs: number, forMs: number): Promise<void> {
  for (const end = performance.now() + forMs; performance.now() < end; await turn()) {
    for (const late = performance.now() + turnMs; performance.now() < late;);
  }
}

const watches: LoopLag[] = [];
afterEach(() => {
  for (const lag of watches.splice(0)) lag.close();
});

/** Other work on the machine is lag, too: each test begins when there is little of it. */
async function watch(): Promise<LoopLag> {
  const lag = watchLoopLag({ windowMs: 500 });
  watches.push(lag);
  await until('an idle window', () => lag.last().maxMs > 0 && lag.last().maxMs < 80);
  lag.takeMaxMs();
  return lag;
}

test('the lag of a loop with turns of 100 ms is about 100 ms, that of an idle one is small', async () => {
  const lag = await watch();
  await busy(100, 700);
  await until('the window is read', () => lag.last().p99Ms > 50);
  expect(lag.last().p99Ms).toBeLessThan(1_000);
  expect(lag.last().meanMs).toBeGreaterThan(40);
});

test('the longest lag since it was read last is kept over windows, and taken once', async () => {
  const lag = await watch();
  await busy(300, 300);
  await until('the window is read', () => lag.last().maxMs > 250);
  await until('a later window is read', () => lag.last().maxMs < 150);
  expect(lag.takeMaxMs()).toBeGreaterThan(250);
  expect(lag.takeMaxMs()).toBeLessThan(250);
});

test('a loop that stays behind is OVERLOADED, each refusal is counted, and it opens again by itself', async () => {
  const lag = await watch();
  let refused = 0;
  const guard = createLoopGuard({ lag, boundMs: 100, onRefused: () => (refused += 1) });
  guard.enter();
  await busy(150, 1_300);
  await until('the guard is up', () => guard.up());
  expect(() => guard.enter()).toThrow(
    expect.objectContaining({ code: 'OVERLOADED', details: { retryAfterMs: 1_000 } }),
  );
  expect(() => guard.enter()).toThrow(/more than 100 ms behind/);
  expect(refused).toBe(2);
  await until('the guard is down', () => !guard.up());
  guard.enter();
  expect(refused).toBe(2);
});

test('one long turn alone is no overload', async () => {
  const lag = await watch();
  const guard = createLoopGuard({ lag, boundMs: 150, onRefused: () => undefined });
  await busy(200, 200);
  await until('the long turn is read', () => lag.last().p99Ms > 150);
  expect(guard.up()).toBe(false);
});

test.each([
  [false, 200, 100, false],
  [false, 201, 51, true],
  [false, 201, 50, false],
  [true, 150, 10, true],
  [true, 100, 0, true],
  [true, 99, 99, false],
])('up %p with p99 %d ms and mean %d ms: up %p of a bound of 200 ms', (before, p99Ms, meanMs, after) => {
  expect(overloaded(before, { p99Ms, meanMs, maxMs: p99Ms }, 200)).toBe(after);
});
