import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { TextDialect } from '../../../domain/snapshot.ts';
import { toParquet } from '../../../stores/data-files.ts';
import { readHistory } from '../../../stores/snapshots/history.ts';
import { readSnapshot } from '../../../stores/snapshots/manifest.ts';
import { readStatistics } from '../../../stores/snapshots/statistics.ts';
import { openTables } from '../../../stores/tables.ts';
import { type DataBench, openDataBench } from './data-bench.ts';

let bench: DataBench;
beforeEach(async () => {
  bench = await openDataBench();
});
afterEach(() => bench.close());

/** Adds bytes under a name and gives the error of a snapshot of them. */
async function refusal(name: string, bytes: Uint8Array | string, dialect?: TextDialect): Promise<unknown> {
  const path = join(bench.folder, 'refused');
  await writeFile(path, bytes);
  const from = await bench.add('sales', name, { file: path });
  const asked = { dataset: 'sales', from, ...(dialect === undefined ? {} : { dialect }) };
  return bench.activities.createSnapshot(asked).then(
    () => 'it was sealed',
    (error: unknown) => error,
  );
}

const unreadable = (name: string, reason: RegExp) =>
  expect.objectContaining({
    code: 'DATA_UNREADABLE',
    message: expect.stringMatching(
      new RegExp(`^data/sales/${name} cannot be read: .*${reason.source}.*perdura data add`, 's'),
    ),
  });

test('a broken quote is named with its line, far behind the beginning too', async () => {
  expect(await refusal('a.csv', 'n,s\n1,x\n2,"y\n3,z\n')).toEqual(unreadable('a.csv', /line 3.*unterminated quote/));
  const rows = Array.from({ length: 200_000 }, (_, row) => (row === 150_000 ? `${row},"broken` : `${row},"ok"`));
  expect(await refusal('b.csv', `n,s\n${rows.join('\n')}\n`)).toEqual(unreadable('b.csv', /line 150002.*quote/));
});

test('text in another encoding is named with its line, or the byte order mark', async () => {
  const latin = Buffer.from('n,s\n1,x\n2,café\n', 'latin1');
  expect(await refusal('a.csv', latin)).toEqual(unreadable('a.csv', /[Ll]ine:? 3.*utf-8/));
  expect(await refusal('a.csv.gz', gzipSync(latin))).toEqual(unreadable('a.csv.gz', /[Ll]ine:? 3.*utf-8/));
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('n,s\n1,x\n', 'utf16le')]);
  expect(await refusal('b.csv', utf16)).toEqual(unreadable('b.csv', /byte 1.*UTF-16/));
  const lines = Buffer.from('{"s":"x"}\n{"s":"café"}\n', 'latin1');
  expect(await refusal('c.jsonl', lines)).toEqual(unreadable('c.jsonl', /line 2/));
  expect(await refusal('d.csv', 'n\n1\n', { encoding: 'utf-16' })).toMatchObject({ code: 'DATA_UNREADABLE' });
});

test('a torn JSON line and a ragged CSV line are named', async () => {
  expect(await refusal('a.jsonl', '{"n":1}\n{"n":\n{"n":3}\n')).toEqual(unreadable('a.jsonl', /line 2/));
  expect(await refusal('a.csv', 'n,s\n1,x\n2,y,z\n')).toEqual(unreadable('a.csv', /line 3.*Columns: 2 Found: 3/));
  expect(await refusal('b.csv', 'May\nn,s\n1,x\n')).toEqual(unreadable('b.csv', /line 2/));
});

test('lines that look like comments are rows', async () => {
  const key = await bench.add('notes', 'a.csv', { text: 'n,s\n1,x\n#2,y\n3,z # c\n' });
  expect((await bench.activities.createSnapshot({ dataset: 'notes', from: key })).rows).toBe(3);
});

test('compressed text that ends in the middle is refused, where DuckDB would read what is there', async () => {
  const text = `n,s\n${'1,some words\n'.repeat(50_000)}`;
  const gzip = gzipSync(text);
  expect(await refusal('a.csv.gz', gzip.subarray(0, gzip.length / 2))).toEqual(unreadable('a.csv.gz', /cut short/));
  const path = join(bench.folder, 'whole.csv.zst');
  await bench.sql(
    `COPY (SELECT range AS n, md5(range::VARCHAR) AS s FROM range(50000)) TO '${path}' (FORMAT csv, COMPRESSION zstd)`,
  );
  const zstd = await readFile(path);
  for (const share of [0.2, 0.7, 0.999]) {
    const cut = zstd.subarray(0, Math.floor(zstd.length * share));
    expect(await refusal(`cut-${share}.csv.zst`, cut)).toEqual(unreadable(`cut-${share}.csv.zst`, /cut short/));
  }
  expect(await refusal('whole.csv.zst', zstd)).toBe('it was sealed');
});

test('two columns of one name are refused, in CSV, JSON lines and Parquet', async () => {
  expect(await refusal('a.csv', 'n,N\n1,2\n')).toEqual(unreadable('a.csv', /line 1 names the column 'N' twice|'n'/));
  expect(await refusal('a.jsonl', '{"n":1,"n":2}\n')).toEqual(unreadable('a.jsonl', /duplicate key "n"/));
  const path = await bench.parquet('twice.parquet', 'SELECT 1 AS nn, 2 AS mm');
  const bytes = await readFile(path);
  // The names are as long, so the file stays whole: only what it calls its second column is another.
  for (let at = bytes.indexOf('mm'); at !== -1; at = bytes.indexOf('mm')) bytes.write('nn', at, 'latin1');
  expect(await refusal('twice.parquet', bytes)).toEqual(unreadable('twice.parquet', /two columns are named 'nn'/));
});

test('a moment without zone beside zoned ones is refused within a file and between files', async () => {
  expect(await refusal('a.csv', 'at\n2001-01-01T00:00:00Z\n2001-01-01 00:00:00\n')).toEqual(
    unreadable('a.csv', /column 'at'.*2001-01-01 00:00:00.*row 2/),
  );
  expect(await refusal('a.jsonl', '{"at":"2001-01-01T00:00:00"}\n{"at":"2001-01-02T00:00:00Z"}\n')).toEqual(
    unreadable('a.jsonl', /'at'.*2001-01-01T00:00:00'.*row 1/),
  );
  await bench.add('days', 'zoned.csv', { text: 'at\n2001-01-01T00:00:00+02:00\n' });
  await bench.add('days', 'plain.csv', { text: 'at\n2001-01-01 00:00:00\n' });
  await expect(bench.activities.createSnapshot({ dataset: 'days', from: 'all' })).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringMatching(/'at'.*data\/days\/zoned\.csv.*data\/days\/plain\.csv/),
  });
});

test('a column whose type changes between files says in which', async () => {
  for (const [name, text] of [
    ['a', 'n\n1\n'],
    ['b', 'n\nmany\n'],
  ] as const)
    await bench.add('sales', `${name}.csv`, { text });
  const { columns, deviations } = await readSnapshot(
    bench.store,
    await bench.activities.createSnapshot({ dataset: 'sales', from: 'all' }),
  );
  expect(columns).toEqual([{ name: 'n', type: 'string' }]);
  expect(deviations).toEqual([{ key: 'data/sales/a.csv', missing: [], unlike: ['n'] }]);
});

test('an empty file among many is named, and nothing is sealed or moved', async () => {
  for (const name of ['a', 'b', 'c']) await bench.store.write(`lake/${name}.csv`, new TextEncoder().encode('n\n1\n'));
  await bench.store.write('lake/bb.csv', new Uint8Array());
  const asked = () => bench.activities.createSnapshot({ dataset: 'sales', from: { prefix: 'lake/' } });
  await expect(asked()).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringContaining('lake/bb.csv'),
  });
  await bench.store.write('lake/bb.csv', new TextEncoder().encode('n\n'));
  await expect(asked()).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringMatching(/lake\/bb\.csv.*no rows/),
  });
  expect(await readHistory(bench.store, 'sales')).toBeNull();
  await bench.store.write('lake/bb.csv', new TextEncoder().encode('n\n2\n'));
  expect((await asked()).rows).toBe(4);
});

test('an empty Parquet file among others adds its columns and no rows', async () => {
  await bench.add('sales', 'a.parquet', { file: await bench.parquet('a.parquet', 'SELECT 1 AS n') });
  await bench.add('sales', 'b.parquet', { file: await bench.parquet('b.parquet', 'SELECT 1 AS n WHERE false') });
  const { rows, columns } = await readSnapshot(
    bench.store,
    await bench.activities.createSnapshot({ dataset: 'sales', from: 'all' }),
  );
  expect({ rows, columns }).toEqual({ rows: 1, columns: [{ name: 'n', type: 'integer' }] });
});

test('quotes, spaces, unicode, wildcards and SQL in names and values are names and values', async () => {
  const evil = `x'); DROP TABLE "t"; --`;
  const select = `SELECT '${evil.replaceAll("'", "''")}' AS "${evil.replaceAll('"', '""')}", 1 AS "a b", 2 AS "日本"`;
  const names = [`${evil}.parquet`, "it's [1] *.parquet", '日本 "2001" ?.parquet'];
  for (const [place, name] of names.entries()) {
    await bench.add('Umsätze 2001', name, { file: await bench.parquet(`evil${place}.parquet`, select) });
  }
  const snapshot = await bench.activities.createSnapshot({ dataset: 'Umsätze 2001', from: 'all' });
  const { files, columns, rows } = await readSnapshot(bench.store, snapshot);
  expect(files.map(({ key }) => key).toSorted()).toEqual(names.map((name) => `data/Umsätze 2001/${name}`).toSorted());
  expect({ rows, columns: columns.map(({ name }) => name) }).toEqual({ rows: 3, columns: [evil, 'a b', '日本'] });
  const statistics = await readStatistics(bench.store, snapshot);
  expect(statistics?.columns[evil]?.profile).toMatchObject({ values: [evil], counts: [3] });
});

test.each(["it's", 'a"b', 'a/b', '../x', 'flights@latest', '', 'a\nb', `x'); DROP TABLE t; --`])(
  'a dataset cannot be called %j',
  async (dataset) => {
    const asked = bench.activities.createSnapshot({ dataset, from: 'newest' });
    await expect(asked).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  },
);

test('a local file whose name holds wildcards is that file alone', async () => {
  const { relationSql } = await import('../../../stores/slices.ts');
  const [star, other] = [
    await bench.parquet('a*.parquet', 'SELECT 1 AS n'),
    await bench.parquet('ab.parquet', 'SELECT 2 AS n'),
  ];
  expect(await bench.sql(`SELECT n FROM ${relationSql([star])}`)).toEqual([{ n: 1 }]);
  expect(await bench.sql(`SELECT n FROM ${relationSql([other])}`)).toEqual([{ n: 2 }]);
});

test('10,000 columns are sealed, with statistics of each', async () => {
  const columns = Array.from({ length: 10_000 }, (_, place) => `range + ${place} AS c${place}`);
  await bench.add('wide', 'a.parquet', {
    file: await bench.parquet('wide.parquet', `SELECT ${columns.join(', ')} FROM range(2)`),
  });
  const snapshot = await bench.activities.createSnapshot({ dataset: 'wide', from: 'newest' });
  expect((await readSnapshot(bench.store, snapshot)).columns).toHaveLength(10_000);
  const statistics = await readStatistics(bench.store, snapshot);
  expect(statistics?.columns['c9999']?.range).toMatchObject({ min: 9_999, max: 10_000 });
}, 90_000);

test('10,000 columns of text become Parquet within the usual memory', async () => {
  const path = join(bench.folder, 'wide.csv');
  const line = (from: number) => `${Array.from({ length: 10_000 }, (_, place) => from + place).join(',')}\n`;
  await writeFile(path, `${line(0).replace(/\d+/g, 'c$&')}${line(0)}${line(1)}${line(2)}`);
  const target = join(bench.folder, 'wide-text.parquet');
  await toParquet({ key: 'wide.csv', path, format: 'csv' }, { dialect: null, columns: [] }, target);
  expect(await bench.sql(`SELECT c0, c9999 FROM '${target}'`)).toEqual(
    [0, 1, 2].map((c0) => ({ c0, c9999: 9_999 + c0 })),
  );
}, 60_000);

test('CSV of more bytes than DuckDB may use becomes Parquet, row by row', async () => {
  const path = join(bench.folder, 'large.csv');
  await bench.sql(
    `COPY (SELECT range AS n, md5(range::VARCHAR) AS a, md5((range + 1)::VARCHAR) AS b FROM range(3000000)) TO '${path}' (FORMAT csv)`,
  );
  const { textSelect } = await import('../../../stores/data-files/text-select.ts');
  const tables = await openTables({ memoryLimit: '192MiB', threads: 1, temporaryFolder: join(bench.folder, 'spill') });
  try {
    const target = join(bench.folder, 'large.parquet');
    const select = await textSelect(tables, { path, format: 'csv', compression: 'none', dialect: null });
    await tables.all(`COPY (${select}) TO '${target}' (FORMAT parquet, COMPRESSION zstd)`);
    const [row] = await bench.sql(
      `SELECT count(*) AS n, bool_and(n = file_row_number) AS ordered FROM read_parquet('${target}', file_row_number = true)`,
    );
    expect(row).toEqual({ n: 3_000_000, ordered: true });
  } finally {
    tables.close();
  }
}, 60_000);
