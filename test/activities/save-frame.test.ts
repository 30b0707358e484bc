import { MockActivityEnvironment } from '@temporalio/testing';
import { withDataFolder } from '../../activities/data-folder.ts';
import { frame, saveFrame } from '../../activities/frame.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';
import { readHistory } from '../../stores/snapshots/history.ts';
import { readSnapshot } from '../../stores/snapshots/manifest.ts';
import { type DataBench, openDataBench } from './data/data-bench.ts';

let bench: DataBench;
beforeAll(async () => {
  bench = await openDataBench();
  await import('danfojs-node');
}, 60_000);
afterAll(() => bench.close());

/** Runs as an activity of a worker whose bucket is the bench's. */
const asActivity = async <Result>(work: () => Promise<Result>): Promise<Result> =>
  (await new MockActivityEnvironment().run(() => withDataFolder(bench, work))) as Result;

const save = (content: Parameters<typeof saveFrame>[0], name: string, dataset = 'delays'): Promise<SnapshotReference> =>
  asActivity(() => saveFrame(content, { dataset, name }));

test('a frame of a snapshot goes back into one, with types and moments, and out again as it was', async () => {
  const source = await bench.snapshotOf(
    'flights',
    `SELECT TIMESTAMP '2001-01-01' + to_milliseconds(range * 1001) AS date, range AS n, range / 2 AS x, 'o''Hare "' || range AS code, range % 2 = 0 AS ok FROM range(2500)`,
  );
  const saved = await asActivity(async () =>
    saveFrame(await frame({ snapshot: source, rows: source.rows }), { dataset: 'copies', name: '2001/q1' }),
  );
  const { columns, files } = await readSnapshot(bench.store, saved);
  expect(files.map(({ key }) => key)).toEqual(['data/copies/2001/q1.parquet']);
  expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'date timestamp',
    'n integer',
    'x number',
    'code string',
    'ok boolean',
  ]);
  const open = (snapshot: SnapshotReference) => asActivity(() => frame({ snapshot, rows: snapshot.rows }));
  expect((await open(saved)).values).toEqual((await open(source)).values);
  expect((await readHistory(bench.store, 'copies'))?.branches['latest']?.digest).toBe(saved.digest);
}, 30_000);

test('the same rows under the same name are the same snapshot', async () => {
  const content = { columns: ['n'], values: [[1], [2]] };
  expect(await save(content, 'a')).toEqual(await save(content, 'a'));
});

test('null, undefined and NaN are missing values', async () => {
  const { digest, dataset } = await save(
    {
      columns: ['n', 's'],
      values: [
        [1, 'a'],
        [NaN, null],
        [2, undefined],
      ],
    },
    'holes',
  );
  const { columns, rows } = await readSnapshot(bench.store, { dataset, digest });
  expect({ rows, columns }).toEqual({
    rows: 3,
    columns: [
      { name: 'n', type: 'integer' },
      { name: 's', type: 'string' },
    ],
  });
});

test.each<[string, Parameters<typeof saveFrame>[0]]>([
  ['no row', { columns: ['n'], values: [] }],
  ['two columns of one name', { columns: ['n', 'N'], values: [[1, 2]] }],
  ['numbers and texts in one column', { columns: ['n'], values: [[1], ['a']] }],
  ['an infinite number', { columns: ['n'], values: [[Infinity]] }],
  ['records as values', { columns: ['n'], values: [[{ a: 1 }]] }],
])('a frame with %s is refused', async (_, content) => {
  await expect(save(content, 'refused')).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});

test('outside an activity there is no bucket to save to', async () => {
  const asked = saveFrame({ columns: ['n'], values: [[1]] }, { dataset: 'delays', name: 'a' });
  await expect(asked).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('in an activity'),
  });
});
