import { createLocalShares } from '../../../serving/access/local-shares.ts';
import { createRateLimits } from '../../../serving/access/rate-limits.ts';
import { createRateShares } from '../../../serving/access/rate-shares.ts';

const limit = { name: 'endpoint/flights', perSecond: 100 };
const stepMs = 10;
const tellEveryMs = 200;

/** A model server's processes, its control process and time, all simulated; counts what each process lets in. */
function simulated(processes: number) {
  let now = 0;
  const shares = createRateShares({ now: () => now });
  const all = Array.from({ length: processes }, (_, process) => {
    shares.joined(process);
    const local = createLocalShares(processes);
    return { process, local, limits: createRateLimits({ now: () => now, share: local.share, asked: local.asked }) };
  });
  const tell = (): void => {
    for (const { process, local } of all) {
      const asked = local.takeAsked();
      if (asked !== null) shares.asked(process, asked);
    }
    for (const { process, local } of all) local.given(shares.sharesOf(process));
  };
  return {
    shares,
    /** Asks each process so many times a second for some seconds; how many were let in, by process. */
    run(seconds: number, asksPerSecond: readonly number[]): readonly number[] {
      const letIn = all.map(() => 0);
      for (let passed = 0; passed < seconds * 1_000; passed += stepMs) {
        now += stepMs;
        for (const { process, limits } of all) {
          const due = (at: number): number => Math.floor(((asksPerSecond[process] ?? 0) * at) / 1_000);
          for (let ask = due(passed); ask < due(passed + stepMs); ask += 1) {
            try {
              limits.take(null, limit);
              letIn[process] = (letIn[process] ?? 0) + 1;
            } catch {
              // Refused.
            }
          }
        }
        if (now % tellEveryMs === 0) tell();
      }
      return letIn;
    },
  };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, each) => total + each, 0);

test('one connection alone, on one of four processes, gets the whole limit', () => {
  const server = simulated(4);
  server.run(2, [500, 0, 0, 0]);
  expect(server.run(10, [500, 0, 0, 0])[0]).toBeGreaterThanOrEqual(990);
});

test('four processes that are asked alike get a quarter each, and together the limit', () => {
  const server = simulated(4);
  server.run(2, [500, 500, 500, 500]);
  const letIn = server.run(10, [500, 500, 500, 500]);
  for (const each of letIn) expect(Math.abs(each - 250)).toBeLessThanOrEqual(10);
  expect(sum(letIn)).toBeLessThanOrEqual(1_010);
});

test('processes that are asked differently share by demand, and their sum stays the limit', () => {
  const server = simulated(2);
  server.run(2, [300, 100]);
  const [more = 0, less = 0] = server.run(10, [300, 100]);
  expect(more + less).toBeGreaterThanOrEqual(950);
  expect(more + less).toBeLessThanOrEqual(1_010);
  expect(more / less).toBeGreaterThan(2);
});

test('below the limit nobody is refused, however the demand lies, a second after it moved', () => {
  const server = simulated(3);
  expect(sum(server.run(5, [60, 10, 5]))).toBe(375);
  server.run(1, [5, 60, 10]);
  expect(sum(server.run(5, [5, 60, 10]))).toBe(375);
  server.run(1, [0, 0, 90]);
  expect(sum(server.run(5, [0, 0, 90]))).toBe(450);
});

test('a small demand that comes now and then beside a large one is not starved', () => {
  const server = simulated(2);
  server.run(2, [80, 0]);
  expect(server.run(20, [80, 1])).toEqual([1_600, 20]);
});

test('demand that moves lets through at most one more bucket of an equal share', () => {
  const server = simulated(2);
  server.run(10, [500, 0]);
  expect(sum(server.run(10, [0, 500]))).toBeLessThanOrEqual(1_000 + 100);
});

test('the share of a process that ended goes to the others', () => {
  const shares = createRateShares({ now: () => 0 });
  for (const process of [1, 2]) shares.asked(process, { a: 10 });
  expect(shares.sharesOf(1)).toEqual({ '*': 0.5, a: 0.5 });
  shares.ended(2);
  expect(shares.sharesOf(1)).toEqual({ '*': 1, a: 1 });
});

test('a process that was asked nothing has nothing to tell, and an equal share to begin with', () => {
  const local = createLocalShares(4);
  expect(local.takeAsked()).toBeNull();
  expect(local.share('endpoint/flights')).toBe(0.25);
  local.asked('endpoint/flights');
  local.asked('endpoint/flights');
  expect(local.takeAsked()).toEqual({ 'endpoint/flights': 2 });
  expect(local.takeAsked()).toBeNull();
});
