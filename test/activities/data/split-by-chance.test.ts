import { openSlice, relationSql, sliceSql } from '../../../stores/slices.ts';
import { createHash } from 'node:crypto';
import { type DataBench, openDataBench } from './data-bench.ts';

let bench: DataBench;
beforeAll(async () => {
  bench = await openDataBench();
}, 30_000);
afterAll(() => bench.close());

const split = (
  data: Awaited<ReturnType<DataBench['snapshotOf']>>,
  options: { readonly seed?: number; readonly by?: readonly string[]; readonly holdout?: number } = {},
) => bench.activities.splitByChance({ data, seed: 7, by: null, holdout: 0.2, ...options });

test('about a fifth is held out, each row is on one side, and the slices hold what was counted', async () => {
  const data = await bench.snapshotOf('many', 'SELECT range AS id, range % 7 AS kind FROM range(20000)');
  const parts = await split(data);
  // Binomial(20000, 0.2): four standard deviations are 226.
  expect(Math.abs(parts.holdout.rows - 4_000)).toBeLessThan(226);
  expect(parts.training.rows + parts.holdout.rows).toBe(20_000);
  for (const slice of [parts.training, parts.holdout]) {
    const { parquetFiles, where } = await openSlice({ store: bench.store, cacheFolder: bench.cacheFolder }, slice);
    const [row] = await bench.sql(`SELECT count(*) AS n FROM ${relationSql(parquetFiles)} WHERE ${where}`);
    expect(row?.['n']).toBe(slice.rows);
  }
});

test('equal rows are never on both sides, nulls among them', async () => {
  const data = await bench.snapshotOf(
    'twice',
    "SELECT range % 500 AS id, CASE WHEN range % 3 = 0 THEN NULL ELSE '' END AS text FROM range(3000)",
  );
  const parts = await split(data);
  const { parquetFiles } = await openSlice({ store: bench.store, cacheFolder: bench.cacheFolder }, parts.training);
  const both = await bench.sql(
    `SELECT id, text FROM ${relationSql(parquetFiles)} GROUP BY ALL
     HAVING bool_or(${sliceSql(parts.training)}) AND bool_or(${sliceSql(parts.holdout)})`,
  );
  expect(both).toEqual([]);
  expect(parts.holdout.rows).toBeGreaterThan(400);
});

test('rows of one customer stay together where the split is by customer', async () => {
  const data = await bench.snapshotOf('orders', 'SELECT range % 40 AS customer, range AS amount FROM range(4000)');
  const parts = await split(data, { by: ['customer'] });
  expect(parts.holdout.rows % 100).toBe(0);
  expect(parts.holdout.chance).toEqual({ seed: 7, by: ['customer'], from: 0.8, before: 1 });
});

test('the side of a row follows from the seed and its values alone, as MD5 of Node 20 has it', async () => {
  const place = (seed: number, id: number) =>
    Number.parseInt(createHash('md5').update(`${seed}\u001fv${id}`).digest('hex').slice(0, 13), 16) / 2 ** 52;
  const data = await bench.snapshotOf('sides', 'SELECT range AS id FROM range(1000)');
  for (const seed of [7, 8]) {
    const heldOut = Array.from({ length: 1_000 }, (_, id) => place(seed, id)).filter((at) => at >= 0.8).length;
    expect((await split(data, { seed })).holdout.rows).toBe(heldOut);
  }
});

test('a share that is none, a seed that is none, an unknown column and an empty part are refused', async () => {
  const data = await bench.snapshotOf('same', 'SELECT 1 AS code FROM range(10)');
  for (const options of [{ holdout: 0 }, { holdout: 1 }, { seed: 1.5 }, { by: ['nothing'] }, { by: [] }, {}])
    await expect(split(data, options)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});
