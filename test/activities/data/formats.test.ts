import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { TextDialect } from '../../../domain/snapshot.ts';
import { sliceFiles } from '../../../stores/slices.ts';
import { readSnapshot } from '../../../stores/snapshots/manifest.ts';
import { type DataBench, openDataBench } from './data-bench.ts';

let bench: DataBench;
beforeEach(async () => {
  bench = await openDataBench();
});
afterEach(() => bench.close());

/** Adds bytes, seals them and gives the rows as a consumer reads them. */
async function rowsOf(name: string, bytes: Uint8Array | string, dialect?: TextDialect) {
  const path = join(bench.folder, `bytes-${name.replaceAll('/', '-')}`);
  await writeFile(path, bytes);
  const key = await bench.add('sales', name, { file: path });
  const snapshot = await bench.activities.createSnapshot({
    dataset: 'sales',
    from: key,
    ...(dialect === undefined ? {} : { dialect }),
  });
  const files = await sliceFiles(bench, { snapshot, rows: snapshot.rows });
  const rows = await bench.sql(`SELECT * FROM read_parquet(['${files.join("','")}'])`);
  return { rows, manifest: await readSnapshot(bench.store, snapshot) };
}

const wanted = [
  { n: 1, town: 'Köln' },
  { n: 2, town: 'a "b", c' },
];
const csv = 'n,town\n1,Köln\n2,"a ""b"", c"\n';

test('CSV plain, gzipped and with zstd has the same rows', async () => {
  const zst = join(bench.folder, 'a.csv.zst');
  await bench.sql(
    `COPY (SELECT * FROM (VALUES (1, 'Köln'), (2, 'a "b", c')) t(n, town)) TO '${zst}' (FORMAT csv, HEADER, COMPRESSION zstd)`,
  );
  expect((await rowsOf('a.csv', csv)).rows).toEqual(wanted);
  expect((await rowsOf('a.csv.gz', gzipSync(csv))).rows).toEqual(wanted);
  const key = await bench.add('sales', 'a.csv.zst', { file: zst });
  const snapshot = await bench.activities.createSnapshot({ dataset: 'sales', from: key });
  const [file] = await sliceFiles(bench, { snapshot, rows: 2 });
  expect(await bench.sql(`SELECT * FROM '${file}'`)).toEqual(wanted);
});

test('TSV, and JSON lines that are gzipped', async () => {
  expect((await rowsOf('a.tsv', 'n\ttown\n1\tKöln\n2\t"a ""b"", c"\n')).rows).toEqual(wanted);
  const lines = wanted.map((row) => `${JSON.stringify(row)}\n`).join('');
  expect((await rowsOf('a.jsonl.gz', gzipSync(lines))).rows).toEqual(wanted);
});

test('whole numbers of both signs in JSON lines are integers, as they are in CSV; those beyond 64 bits are numbers', async () => {
  const { rows, manifest } = await rowsOf(
    'a.jsonl',
    '{"n":-1,"wide":-1,"no":null}\n{"n":2,"wide":1e0,"no":-1}\n{"n":null,"wide":18446744073709551615,"no":3}\n',
  );
  expect(manifest.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'n integer',
    'wide number',
    'no integer',
  ]);
  expect(rows.map((row) => row['n'])).toEqual([-1, 2, null]);
});

test('delimiter, quote, encoding and column names come from the dialect', async () => {
  const dialect: TextDialect = { delimiter: ';', quote: "'", encoding: 'latin-1', columns: ['n', 'town'] };
  const { rows, manifest } = await rowsOf('a.csv', Buffer.from('1;Köln\n2;\'a "b", c\'\n', 'latin1'), dialect);
  expect(rows).toEqual(wanted);
  expect(manifest.dialect).toEqual(dialect);
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(csv, 'utf16le')]);
  expect((await rowsOf('b.csv', utf16, { encoding: 'utf-16' })).rows).toEqual(wanted);
});

test('the same bytes in another dialect are read anew, and a later snapshot keeps the dialect of the one before', async () => {
  expect((await rowsOf('a.csv', 'n;m\n1;2\n')).rows).toEqual([{ 'n;m': '1;2' }]);
  expect((await rowsOf('a.csv', 'n;m\n1;2\n', { delimiter: ';' })).rows).toEqual([{ n: 1, m: 2 }]);
  expect((await rowsOf('b.csv', 'n;m\n3;4\n')).rows).toEqual([{ n: 3, m: 4 }]);
});

test.each<[string, TextDialect]>([
  ['a delimiter with a line break', { delimiter: '\n' }],
  ['a quote of two characters', { quote: '""' }],
  ['a quote that is the delimiter', { quote: ',' }],
  ['two columns of one name', { columns: ['a', 'A'] }],
  ['an unknown encoding', { encoding: 'ebcdic' as 'utf-8' }],
  ['no object', null as unknown as TextDialect],
  ['text', ';' as unknown as TextDialect],
  ['a misspelt member', { delimeter: ';' } as unknown as TextDialect],
  ['a number for a text', { delimiter: 5 } as unknown as TextDialect],
  ['a text for the names', { columns: 'ab' } as unknown as TextDialect],
])('%s is refused', async (_, dialect) => {
  await bench.add('sales', 'a.csv', { text: csv });
  const asked = bench.activities.createSnapshot({ dataset: 'sales', from: 'newest', dialect });
  await expect(asked).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});

test('JSON lines whose moments all say their zone have a zoned column, those without have none', async () => {
  const lines = (...texts: string[]) => texts.map((at) => `{"at":"${at}"}\n`).join('');
  const zoned = await rowsOf('z.jsonl', lines('2001-01-01T00:00:00Z', '2001-01-01T00:00:00+02:00'));
  expect(zoned.manifest.columns).toEqual([{ name: 'at', type: 'timestamp', zoned: true }]);
  expect(zoned.rows).toEqual([{ at: '2001-01-01T00:00:00.000Z' }, { at: '2000-12-31T22:00:00.000Z' }]);
  const plain = await rowsOf('p.jsonl', lines('2001-01-01T00:00:00', '2001-01-01T01:00:00'));
  expect(plain.manifest.columns).toEqual([{ name: 'at', type: 'timestamp', zoned: false }]);
});

describe('Hive partitions', () => {
  const all = async (names: readonly string[]) => {
    for (const [place, name] of names.entries()) {
      const file = name.endsWith('.parquet') ? await bench.parquet(`p${place}.parquet`, `SELECT ${place} AS n`) : null;
      const path = file ?? join(bench.folder, `p${place}.csv`);
      if (file === null) await writeFile(path, `n\n${place}\n`);
      await bench.add('sales', name, { file: path });
    }
    const snapshot = await bench.activities.createSnapshot({ dataset: 'sales', from: 'all' });
    const files = await sliceFiles(bench, { snapshot, rows: snapshot.rows });
    const list = files.map((file) => `'${file}'`).join(', ');
    const rows = await bench.sql(`SELECT * FROM read_parquet([${list}], union_by_name = true) ORDER BY n`);
    return { rows, manifest: await readSnapshot(bench.store, snapshot) };
  };

  test('folders become columns, of CSV as of Parquet', async () => {
    const { rows, manifest } = await all(['year=2001/month=01/a.csv', 'year=2001/month=02/b.parquet']);
    expect(rows).toEqual([
      { n: 0, year: 2001, month: 1 },
      { n: 1, year: 2001, month: 2 },
    ]);
    expect(manifest.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'n integer',
      'year integer',
      'month integer',
    ]);
    expect(manifest.deviations).toEqual([]);
  });

  test('one value that is no number makes all of them text as they were written', async () => {
    const { rows, manifest } = await all(['code=007/a.csv', 'code=A1/b.csv']);
    expect(rows).toEqual([
      { n: 0, code: '007' },
      { n: 1, code: 'A1' },
    ]);
    expect(manifest.deviations).toEqual([]);
  });

  test('escapes, quotes, SQL and no value at all', async () => {
    const { rows } = await all([
      'town=K%C3%B6ln%2F1/a.csv',
      "town=O'Hare'); DROP TABLE x; --/b.csv",
      'town=__HIVE_DEFAULT_PARTITION__/c.csv',
      'town=100%/d.csv',
    ]);
    expect(new Set(rows.map((row) => row['town']))).toEqual(
      new Set(['Köln/1', "O'Hare'); DROP TABLE x; --", null, '100%']),
    );
  });

  test('dates are timestamps, and a folder stands for a column of its name in the file', async () => {
    const { rows, manifest } = await all(['day=2001-02-03/N=7/a.csv']);
    expect(rows).toEqual([{ day: '2001-02-03T00:00:00.000Z', N: 7 }]);
    expect(manifest.columns).toEqual([
      { name: 'day', type: 'timestamp', zoned: false },
      { name: 'N', type: 'integer' },
    ]);
  });
});
