import type { SnapshotReference } from '../../../domain/snapshot.ts';
import { openSlice, relationSql } from '../../../stores/slices.ts';
import { type DataBench, januarySql, openDataBench } from './data-bench.ts';

let bench: DataBench;
let january: SnapshotReference;
beforeAll(async () => {
  bench = await openDataBench();
  january = await bench.snapshotOf('flights', januarySql);
}, 30_000);
afterAll(() => bench.close());

const split = (data: SnapshotReference, holdout: number, column = 'date') =>
  bench.activities.splitByTime({ data, column, holdout });

test('January is cut where its newest fifth begins, as an independent ranking in DuckDB 1.5.5 says', async () => {
  const parts = await split(january, 0.2);
  const [own] =
    await bench.sql(`WITH ranked AS (SELECT date, row_number() OVER (ORDER BY date DESC) AS place FROM (${januarySql})),
      cut AS (SELECT date AS begins FROM ranked WHERE place = ceil(0.2 * (SELECT count(*) FROM ranked)))
    SELECT strftime(any_value(begins), '%Y-%m-%dT%H:%M:%S.%fZ') AS cut, count_if(date < begins) AS training, count_if(date >= begins) AS holdout
    FROM ranked, cut`);
  expect({
    cut: parts.holdout.time?.from,
    training: parts.training.rows,
    holdout: parts.holdout.rows,
  }).toEqual(own);
  expect(parts.training.time).toEqual({ column: 'date', before: parts.holdout.time?.from });
});

test('the slices, opened, hold the rows that the split counted', async () => {
  const parts = await split(january, 0.2);
  for (const slice of [parts.training, parts.holdout]) {
    const { parquetFiles, where } = await openSlice({ store: bench.store, cacheFolder: bench.cacheFolder }, slice);
    const [row] = await bench.sql(`SELECT count(*) AS n FROM ${relationSql(parquetFiles)} WHERE ${where}`);
    expect(row?.['n']).toBe(slice.rows);
  }
});

test('rows at the cut belong to the hold-out, and microseconds count', async () => {
  const data = await bench.snapshotOf(
    'times',
    `SELECT TIMESTAMP '2001-01-01 00:00:00' + to_microseconds(CASE WHEN range < 6 THEN range ELSE 6 END) AS date FROM range(10)`,
  );
  const parts = await split(data, 0.1);
  expect(parts.holdout).toMatchObject({ rows: 4, time: { from: '2001-01-01T00:00:00.000006Z' } });
  expect(parts.training.rows).toBe(6);
});

test('ten rows at a fifth leave two, without ties', async () => {
  const data = await bench.snapshotOf('ten', `SELECT DATE '2001-01-01' + range::INTEGER AS date FROM range(10)`);
  expect(await split(data, 0.2)).toMatchObject({
    training: { rows: 8 },
    holdout: { rows: 2, time: { from: '2001-01-09T00:00:00.000000Z' } },
  });
});

test('rows without a time are in neither part', async () => {
  const data = await bench.snapshotOf(
    'holes',
    `SELECT CASE WHEN range < 8 THEN TIMESTAMP '2001-01-01' + to_days(range::INTEGER) END AS date FROM range(10)`,
  );
  const parts = await split(data, 0.25);
  expect(parts.training.rows + parts.holdout.rows).toBe(8);
});

test('text, a missing column, a share that is none and an empty part are refused', async () => {
  const data = await bench.snapshotOf('same', `SELECT TIMESTAMP '2001-01-01' AS date, 'a' AS code FROM range(10)`);
  const refusals: readonly (readonly [number, string?])[] = [[0.2], [0], [1], [0.2, 'code'], [0.2, 'day']];
  for (const [holdout, column] of refusals) {
    await expect(split(data, holdout, column)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  }
});
