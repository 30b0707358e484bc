import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DataSlice } from '../../domain/snapshot.ts';
import { frame } from '../../stores/frame.ts';
import { type DataBench, januarySql, openDataBench } from '../activities/data/data-bench.ts';

let bench: DataBench;
let january: DataSlice;
beforeAll(async () => {
  bench = await openDataBench();
  const snapshot = await bench.snapshotOf('flights', januarySql);
  january = { snapshot, rows: snapshot.rows };
  // Loading danfojs takes seconds on a busy machine; no single test shall pay for it.
  await open(january, { sample: 1 });
}, 60_000);
afterAll(() => bench.close());

const open = (data: DataSlice, options: Parameters<typeof frame>[3]) =>
  frame(bench.store, bench.cacheFolder, data, options);

async function sliceOf(select: string): Promise<DataSlice> {
  const snapshot = await bench.snapshotOf('small', select);
  return { snapshot, rows: snapshot.rows };
}

test('mean delays by airport of January agree with DuckDB 1.5.5', async () => {
  const flights = await open(january, { columns: ['origin', 'delay'] });
  const means = flights.groupby(['origin']).col(['delay']).mean();
  const found = new Map((means.values as [string, number][]).map(([origin, mean]) => [origin, mean]));
  const own = await bench.sql(`SELECT origin, avg(delay) AS mean FROM (${januarySql}) GROUP BY origin`);
  expect(found.size).toBe(own.length);
  for (const row of own) expect(found.get(String(row['origin']))).toBeCloseTo(Number(row['mean']), 9);
}, 30_000);

test('a sample has exactly its rows, spread over the slice, the same each time', async () => {
  const first = await open(january, { columns: ['date', 'distance'], sample: 1_000 });
  const again = await open(january, { columns: ['date', 'distance'], sample: 1_000 });
  expect(first.shape).toEqual([1_000, 2]);
  expect(again.values).toEqual(first.values);
  const days = new Set((first.values as [string, number][]).map(([date]) => date.slice(0, 10)));
  expect(days.size).toBe(31);
}, 30_000);

test('a slice by time gives its rows only', async () => {
  const parts = await bench.activities.splitByTime({ data: january.snapshot, column: 'date', holdout: 0.01 });
  const flights = await open(parts.holdout, { columns: ['date'] });
  expect(flights.shape[0]).toBe(parts.holdout.rows);
});

test('missing values are refused by name, and filled where it is said how', async () => {
  const slice = await sliceOf(
    "SELECT * FROM (VALUES (1.5::DOUBLE, 'a'), (NULL, 'a'), ('NaN'::DOUBLE, NULL)) t(x, code)",
  );
  await expect(open(slice, {})).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('x (2), code (1)'),
  });
  const filled = await open(slice, { fill: { x: 0.5, code: 'none' } });
  expect(filled.values).toEqual([
    [1.5, 'a'],
    [0.5, 'a'],
    [0.5, 'none'],
  ]);
});

test('integers are numbers, times ISO text, and the types are those of the data', async () => {
  const slice = await sliceOf(
    "SELECT 9007199254740991::BIGINT AS n, TIMESTAMP '2001-01-01 10:00:00.5' AS at, true AS ok",
  );
  const single = await open(slice, {});
  expect(single.values).toEqual([[9007199254740991, '2001-01-01T10:00:00.500Z', true]]);
  expect(single.dtypes).toEqual(['int32', 'string', 'boolean']);
});

test('an unknown column, an unfit fill, an empty slice and a frame too large are refused', async () => {
  const empty = await sliceOf('SELECT 1 AS n WHERE false');
  const refused: readonly Parameters<typeof open>[] = [
    [january, { columns: ['dely'] }],
    [january, { columns: ['delay'], fill: { delay: 'none' } }],
    [january, { sample: 0 }],
    [{ ...january, rows: 100_000_000 }, {}],
    [empty, {}],
  ];
  for (const request of refused) await expect(open(...request)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});

test('without danfojs-node the error says how to install it', async () => {
  const hooks = `export async function resolve(name, context, next) {
    if (name === 'danfojs-node') throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(name, context);
  }`;
  const asData = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(asData(hooks))});`;
  const module = new URL('../../dist/stores/frame.js', import.meta.url).href;
  const script = `const { frame } = await import(${JSON.stringify(module)});
    await frame(null, null, null).catch((error) => console.log(JSON.stringify({ code: error.code, message: error.message })));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', asData(register), '--input-type=module', '--eval', script],
    { env: { PATH: process.env['PATH'] } },
  );
  expect(JSON.parse(stdout)).toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(/overrides.*tfjs@4\.22\.0.*npm install danfojs-node@1\.2\.0/),
  });
}, 30_000);
