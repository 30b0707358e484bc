import type { EncodedRows } from '../../../domain/features.ts';
import { createBatcher } from '../../../serving/models/batcher.ts';
import type { ModelRun } from '../../../serving/models/loaded-model.ts';

const rowsOf = (...numbers: readonly number[]): EncodedRows => ({
  rows: numbers.length,
  numbers: Float32Array.from(numbers),
  categories: numbers.map((number) => `c${number}`),
});

/** A model that doubles its number, and cannot take 13. */
function doubling() {
  const runs: number[][] = [];
  const run = async ({ rows, numbers, categories }: EncodedRows): Promise<ModelRun> => {
    runs.push([...numbers]);
    expect(numbers.length).toBe(rows);
    expect(categories).toEqual([...numbers].map((number) => `c${number}`));
    if (numbers.includes(13)) throw new Error('13 is unlucky');
    return { outputs: numbers.map((number) => 2 * number), computeMs: rows };
  };
  return { run, runs };
}

test('callers of one turn share a run, and each gets its own rows and its part of the time', async () => {
  const { run, runs } = doubling();
  const batcher = createBatcher(run, { rows: 8, waitMs: 0 });
  const answers = await Promise.all([rowsOf(1), rowsOf(2, 3), rowsOf(4)].map((rows) => batcher.run(rows)));
  expect(runs).toEqual([[1, 2, 3, 4]]);
  expect(answers.map(({ outputs }) => [...outputs])).toEqual([[2], [4, 6], [8]]);
  expect(answers.map(({ computeMs }) => computeMs)).toEqual([1, 2, 1]);
  // Whoever hands on the buffer behind an answer hands on no other's.
  expect(answers[0]?.outputs.buffer.byteLength).toBe(4);
});

test('a run takes no more rows than it may, but a larger request runs by itself', async () => {
  const { run, runs } = doubling();
  const batcher = createBatcher(run, { rows: 2, waitMs: 0 });
  await Promise.all([rowsOf(1), rowsOf(2), rowsOf(3), rowsOf(4, 5, 6), rowsOf(7)].map((rows) => batcher.run(rows)));
  expect(runs).toEqual([[1, 2], [3], [4, 5, 6], [7]]);
});

test('a caller whose rows the model cannot take fails alone', async () => {
  const { run } = doubling();
  const batcher = createBatcher(run, { rows: 8, waitMs: 0 });
  const [first, bad, last] = await Promise.allSettled([rowsOf(1), rowsOf(13), rowsOf(2)].map((r) => batcher.run(r)));
  expect(first).toMatchObject({ status: 'fulfilled', value: { outputs: Float32Array.of(2) } });
  expect(bad).toMatchObject({ status: 'rejected', reason: new Error('13 is unlucky') });
  expect(last).toMatchObject({ status: 'fulfilled', value: { outputs: Float32Array.of(4) } });
});

test('more waiting rows than there may be are OVERLOADED at once, and those before are answered', async () => {
  const { run } = doubling();
  const batcher = createBatcher(run, { rows: 1, waitMs: 0, waitingRows: 2 });
  const taken = [batcher.run(rowsOf(1)), batcher.run(rowsOf(2))];
  await expect(batcher.run(rowsOf(3))).rejects.toMatchObject({ code: 'OVERLOADED' });
  expect(batcher.waiting()).toBe(2);
  expect((await Promise.all(taken)).map(({ outputs }) => outputs[0])).toEqual([2, 4]);
  expect(batcher.waiting()).toBe(0);
});

test('one run is under way at a time, and what arrives meanwhile goes into the next', async () => {
  let underWay = 0;
  const runs: number[] = [];
  let letRun = (): void => undefined;
  const batcher = createBatcher(
    async ({ rows, numbers }) => {
      underWay += 1;
      expect(underWay).toBe(1);
      runs.push(rows);
      await new Promise<void>((resolve) => {
        letRun = resolve;
      });
      underWay -= 1;
      return { outputs: numbers, computeMs: 1 };
    },
    { rows: 8, waitMs: 0 },
  );
  const first = batcher.run(rowsOf(1));
  await new Promise((resolve) => setImmediate(resolve));
  const others = [batcher.run(rowsOf(2)), batcher.run(rowsOf(3))];
  letRun();
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  letRun();
  await Promise.all(others);
  expect(runs).toEqual([1, 2]);
});

test('who always comes alone never waits for others; after a shared run the first one does', async () => {
  const { run, runs } = doubling();
  const batcher = createBatcher(run, { rows: 8, waitMs: 1_000_000 });
  await batcher.run(rowsOf(1));
  await batcher.run(rowsOf(2));
  expect(runs).toEqual([[1], [2]]);
  await Promise.all([batcher.run(rowsOf(3)), batcher.run(rowsOf(4))]);
  const waiting = batcher.run(rowsOf(5));
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(runs).toEqual([[1], [2], [3, 4]]);
  // A full run waits for nobody.
  const filling = batcher.run(rowsOf(6, 7, 8, 9, 10, 11, 12));
  await Promise.all([waiting, filling]);
  expect(runs.at(-1)).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
});
