import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSnapshot } from '../../../stores/snapshots/manifest.ts';
import { type DataBench, openDataBench } from './data-bench.ts';

let bench: DataBench;
beforeEach(async () => {
  bench = await openDataBench();
});
afterEach(() => bench.close());

const snapshotOf = (from: string | readonly string[]) => bench.activities.createSnapshot({ dataset: 'sales', from });

async function refusal(from: string | readonly string[]): Promise<unknown> {
  return snapshotOf(from).catch((error: unknown) => error);
}

test('the same objects give the same digest, other objects another', async () => {
  const first = await bench.add('sales', 'a.csv', { text: 'day,amount\n2001-01-01,1\n2001-01-02,2\n' });
  const second = await bench.add('sales', 'b.csv', { text: 'day,amount\n2001-01-03,3\n' });
  const reference = await snapshotOf(first);
  expect(await snapshotOf(first)).toEqual(reference);
  expect((await snapshotOf(second)).digest).not.toBe(reference.digest);
  expect((await snapshotOf([first, second])).rows).toBe(3);
});

test("'newest' is the last arrival, and later arrivals do not move an old snapshot", async () => {
  await bench.add('sales', 'a.csv', { text: 'amount\n1\n' });
  const old = await snapshotOf('newest');
  const key = await bench.add('sales', 'b.csv', { text: 'amount\n2\n3\n' });
  const manifest = await readSnapshot(bench.store, await snapshotOf('newest'));
  expect(manifest.files.map((file) => file.key)).toEqual([key]);
  expect((await readSnapshot(bench.store, old)).rows).toBe(1);
});

test('a snapshot pins the version that had arrived, not what lies at the key now', async () => {
  const key = await bench.add('sales', 'a.csv', { text: 'amount\n1\n' });
  const pinned = (await bench.store.head(key)).s3VersionId;
  await bench.store.write(key, new TextEncoder().encode('amount\n9\n9\n'));
  const manifest = await readSnapshot(bench.store, await snapshotOf(key));
  expect(manifest.files[0]).toMatchObject({ key, s3VersionId: pinned, rows: 1, format: 'csv' });
});

test('CSV, JSON lines and Parquet of the same rows have the same rows and columns', async () => {
  const select = `SELECT * FROM (VALUES (TIMESTAMP '2001-01-01 10:00:00', 1, 2.5, 'LAX', true), (TIMESTAMP '2001-01-02 11:00:00', 2, 3.5, 'SFO', false)) t(day, n, x, code, ok)`;
  await bench.add('sales', 'a.parquet', { file: await bench.parquet('a.parquet', select) });
  await bench.add('sales', 'a.csv', {
    text: 'day,n,x,code,ok\n2001-01-01 10:00:00,1,2.5,LAX,true\n2001-01-02 11:00:00,2,3.5,SFO,false\n',
  });
  await bench.add('sales', 'a.jsonl', {
    text: '{"day":"2001-01-01T10:00:00Z","n":1,"x":2.5,"code":"LAX","ok":true}\n{"day":"2001-01-02T11:00:00Z","n":2,"x":3.5,"code":"SFO","ok":false}\n',
  });
  for (const name of ['a.parquet', 'a.csv', 'a.jsonl']) {
    const { rows, columns } = await readSnapshot(bench.store, await snapshotOf(name));
    expect({ rows, types: columns.map((column) => `${column.name} ${column.type}`) }).toEqual({
      rows: 2,
      types: ['day timestamp', 'n integer', 'x number', 'code string', 'ok boolean'],
    });
  }
});

test('columns are the union of all files, and each file says how it differs', async () => {
  const keys = [
    await bench.add('sales', 'a.csv', { text: 'n,code\n1,LAX\n' }),
    await bench.add('sales', 'b.csv', { text: 'n,price\n1.5,2\n' }),
  ];
  const { columns, deviations } = await readSnapshot(bench.store, await snapshotOf(keys));
  expect(columns).toEqual([
    { name: 'n', type: 'number' },
    { name: 'code', type: 'string' },
    { name: 'price', type: 'integer' },
  ]);
  expect(deviations).toEqual([
    { key: keys[0], missing: ['price'], unlike: ['n'] },
    { key: keys[1], missing: ['code'], unlike: [] },
  ]);
});

test('an object that has not arrived is named, with the command that adds it', async () => {
  await bench.add('sales', 'a.csv', { text: 'n\n1\n' });
  expect(await refusal('data/sales/b.csv')).toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringMatching(/'data\/sales\/b\.csv'.*data\/sales\/a\.csv.*perdura data add sales/),
  });
});

test('a dataset without arrivals is not found', async () => {
  expect(await refusal('newest')).toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('perdura data add sales'),
  });
});

test('an object named twice is refused, else its rows would count twice', async () => {
  const key = await bench.add('sales', 'a.csv', { text: 'n\n1\n' });
  expect(await refusal([key, 'a.csv'])).toMatchObject({ code: 'INPUT_INVALID' });
});

test('a Parquet file that was cut short is unreadable, with its name and the reason', async () => {
  const whole = await readFile(await bench.parquet('whole.parquet', 'SELECT range AS n FROM range(50000)'));
  const path = join(bench.folder, 'short.parquet');
  await writeFile(path, whole.subarray(0, whole.length / 2));
  await bench.add('sales', 'short.parquet', { file: path });
  const error = await refusal('newest');
  expect(error).toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringMatching(/data\/sales\/short\.parquet.*No magic bytes/),
  });
  expect(String(error)).not.toContain(bench.folder);
});

test('a Parquet file whose header is whole but whose pages are damaged is unreadable', async () => {
  const path = await bench.parquet('pages.parquet', 'SELECT range AS n, md5(range::VARCHAR) AS code FROM range(50000)');
  const bytes = await readFile(path);
  bytes.fill(0xff, 1_000, 60_000);
  await writeFile(path, bytes);
  await bench.add('sales', 'pages.parquet', { file: path });
  expect(await refusal('newest')).toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringContaining('data/sales/pages.parquet'),
  });
});

test('text that calls itself Parquet, torn JSON lines and ragged CSV are unreadable', async () => {
  await bench.add('sales', 'a.parquet', { text: 'n\n1\n' });
  await bench.add('sales', 'a.jsonl', { text: '{"n":1}\n{"n":' });
  await bench.add('sales', 'a.csv', { text: 'n,code\n1,LAX\n2\n' });
  for (const name of ['a.parquet', 'a.jsonl', 'a.csv']) {
    expect(await refusal(name)).toMatchObject({
      code: 'DATA_UNREADABLE',
      message: expect.stringContaining(`data/sales/${name}`),
    });
  }
});

test('an empty object is unreadable', async () => {
  const key = 'data/sales/empty.parquet';
  const { s3VersionId } = await bench.store.write(key, new Uint8Array());
  const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const arrival = { key, s3VersionId, sizeBytes: 0, sha256, addedAt: '2001-07-02T00:00:00.000Z' };
  await bench.store.write(
    'datasets/sales.json',
    new TextEncoder().encode(JSON.stringify({ dataset: 'sales', arrivals: [arrival] })),
  );
  expect(await refusal('newest')).toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringMatching(/data\/sales\/empty\.parquet.*empty/),
  });
});

test('columns that cannot be read as one type are unreadable together', async () => {
  const keys = [
    await bench.add('sales', 'a.parquet', {
      file: await bench.parquet('ra.parquet', "SELECT {'a': 1} AS s FROM range(3)"),
    }),
    await bench.add('sales', 'b.parquet', { file: await bench.parquet('rb.parquet', 'SELECT 1 AS s FROM range(3)') }),
  ];
  expect(await refusal(keys)).toMatchObject({ code: 'DATA_UNREADABLE', message: expect.stringContaining('b.parquet') });
});

test('a name without a known ending and a reserved column are refused', async () => {
  await bench.add('sales', 'a.xlsx', { text: 'n\n1\n' });
  await bench.add('sales', 'b.csv', { text: '_row,n\n1,2\n' });
  expect(await refusal('a.xlsx')).toMatchObject({ code: 'DATA_UNREADABLE' });
  expect(await refusal('b.csv')).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining("'_row'") });
});

test('it says what it is reading and how many rows it read', async () => {
  await bench.add('sales', 'a.csv', { text: 'n\n1\n2\n' });
  await snapshotOf('newest');
  expect(bench.notes).toContain('read 2 rows of data/sales/a.csv');
});
