import { decidePlan } from '../../../serving/models/decide-plan.ts';
import type { Timings } from '../../../serving/models/time-model.ts';

const megabyte = 1024 * 1024;

/** A model whose run takes `baseMs` and `eachMs` for each row, as ONNX Runtime's runs roughly do. */
function timingsOf(baseMs: number, eachMs: number, more: Partial<Timings> = {}): Timings {
  const batches = [1, 2, 4, 8, 16, 32, 64].map((rows) => ({ rows, ms: baseMs + eachMs * rows }));
  return {
    provider: 'cpu',
    loadMs: 30,
    threads: [{ threads: 1, rowMs: baseMs + eachMs }],
    batches,
    together: { aloneMs: baseMs + eachMs, sharedMs: baseMs / 8 + eachMs },
    rowBytes: 10 * megabyte,
    batchBytes: 10 * megabyte,
    ...more,
  };
}
const decide = (timings: Timings, memoryMegabytes = 2_048) =>
  decidePlan(timings, { memoryLimitBytes: memoryMegabytes * megabyte });

test('a model is placed by whether a row takes a millisecond', () => {
  expect(decide(timingsOf(0.5, 0.4)).placement).toBe('answering');
  expect(decide(timingsOf(0.5, 0.6)).placement).toBe('host');
});

test('in a host the fastest number of threads is taken, where it is faster by more than a tenth', () => {
  const threads = (two: number, four: number): Timings['threads'] => [
    { threads: 1, rowMs: 10 },
    { threads: 2, rowMs: two },
    { threads: 4, rowMs: four },
  ];
  expect(decide(timingsOf(1, 9, { threads: threads(6, 5.8) })).threads).toBe(2);
  expect(decide(timingsOf(1, 9, { threads: threads(6, 4) })).threads).toBe(4);
  expect(decide(timingsOf(1, 9, { threads: threads(9.5, 12) })).threads).toBe(1);
});

test('runs are shared only where a batch answers rows clearly faster than single runs do', () => {
  expect(decide(timingsOf(0, 5)).batching).toBeNull();
  expect(decide(timingsOf(0.5, 4.5)).batching).toBeNull();
  expect(decide(timingsOf(5, 1)).batching).not.toBeNull();
});

test('in an answering process sharing must also pay for its own cost', () => {
  const fast = timingsOf(0.01, 0.001);
  expect(decide(fast).batching).toEqual({ rows: 64, waitMs: 0 });
  expect(decide({ ...fast, together: { aloneMs: 0.02, sharedMs: 0.018 } }).batching).toBeNull();
});

test('only a slow model waits for others, at most 2 ms and at most half a row', () => {
  expect(decide(timingsOf(1.5, 0.1)).batching?.waitMs).toBe(0);
  expect(decide(timingsOf(2.9, 0.1)).batching?.waitMs).toBe(1);
  expect(decide(timingsOf(40, 1)).batching?.waitMs).toBe(2);
});

test('a run has no more rows than half of the memory that is left can hold', () => {
  // 63 rows more took 630 MB; half of what is left of 1,010 MB holds 50.
  const greedy = timingsOf(0.01, 0.001, { batchBytes: 640 * megabyte });
  expect(decide(greedy, 1_010).maxRows).toBe(50);
  expect(decide(greedy, 1_010).batching?.rows).toBe(32);
  // A package that hardly fits is still answered, row by row.
  expect(decide(greedy, 11).maxRows).toBe(1);
  expect(decide(greedy, 11).batching).toBeNull();
});

test('one run blocks an answering process for about 10 ms, and a host for a quarter of a second', () => {
  // 64 rows in 16 ms: 40 in 10.
  expect(decide(timingsOf(0, 0.25)).maxRows).toBe(40);
  expect(decide(timingsOf(0, 5)).maxRows).toBe(50);
});
