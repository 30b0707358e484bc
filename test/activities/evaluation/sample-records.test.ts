import { openPackedModel } from '../../../activities/evaluation/packed-model.ts';
import { sampleRecords } from '../../../activities/evaluation/sample-records.ts';
import { loadFeatureModule } from '../../../stores/feature-module.ts';
import { openWorkplace, type Workplace } from '../../training/flights.ts';

let workplace: Workplace;
beforeAll(async () => {
  workplace = await openWorkplace();
});
afterAll(() => workplace.remove());

const target = { name: 'late', task: 'binary', sql: 'delay > 15' } as const;

async function sampleOf(
  count: number,
  parts: { readonly features: string; readonly rows: string; readonly where?: string },
) {
  const name = `sample-${count}-${parts.rows.length}-${parts.features.length}`;
  const features = await loadFeatureModule(await workplace.features(name, parts.features));
  const parquetFiles = [await workplace.parquet(`${name}.parquet`, () => parts.rows)];
  const { where = 'true' } = parts;
  return sampleRecords(
    { parquetFiles, where, dataset: 'flights', workFolder: workplace.folder, target, features },
    count,
  );
}

const plain = `export const record = { date: 'timestamp', row: 'number', code: 'string?' };
export function features({ row }) { return { row }; }`;
const rows = (n: number) =>
  `SELECT TIMESTAMP '2001-01-01 00:00:00.25' AS date, range AS row, CASE WHEN range = 0 THEN NULL ELSE 'x' END AS code, 5 AS delay FROM range(${n})`;

test('records are taken at equal distances, as a client would send them', async () => {
  const sampled = await sampleOf(4, { features: plain, rows: rows(10_000) });
  expect(sampled.map(({ record }) => record['row'])).toEqual([2_499, 4_999, 7_499, 9_999]);
  expect(sampled[0]).toEqual({ record: { date: '2001-01-01T00:00:00.250Z', row: 2_499, code: 'x' }, past: {} });
});

test('fewer rows than are asked for are all taken, with what may be null', async () => {
  const sampled = await sampleOf(10, { features: plain, rows: rows(3) });
  expect(sampled.map(({ record }) => [record['row'], record['code']])).toEqual([
    [0, null],
    [1, 'x'],
    [2, 'x'],
  ]);
});

test('rows that lack a field which must be there, or that the slice leaves out, are not taken', async () => {
  const features = plain.replace("'string?'", "'string'");
  const sampled = await sampleOf(10, { features, rows: rows(4), where: 'row < 3' });
  expect(sampled.map(({ record }) => record['row'])).toEqual([1, 2]);
});

test('aggregates come as of the time of their row', async () => {
  const features = `export const record = { date: 'timestamp', origin: 'string' };
    export const aggregates = { dataset: 'flights', time: 'date', gap: '0 ms',
      values: { seen: { function: 'count', of: 'true', by: ['origin'], over: '30 days' } } };
    export function features(record, past) { return { seen: past.seen }; }`;
  const sampled = await sampleOf(10, {
    features,
    rows: `SELECT TIMESTAMP '2001-01-01' + to_days(range::INTEGER) AS date, 'ORD' AS origin, 5 AS delay FROM range(4)`,
    where: "date >= TIMESTAMP '2001-01-03'",
  });
  expect(sampled).toEqual([
    { record: { date: '2001-01-03T00:00:00.000Z', origin: 'ORD' }, past: { seen: 2 } },
    { record: { date: '2001-01-04T00:00:00.000Z', origin: 'ORD' }, past: { seen: 3 } },
  ]);
});

test('a package that is not there is an error, not an empty sample', async () => {
  await expect(openPackedModel(`${workplace.folder}/none`)).rejects.toThrow(/no such file/);
});
