import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { dataFormat } from '../../stores/data-files/format.ts';
import { toParquet } from '../../stores/data-files.ts';
import { literal, openTables, type Tables } from '../../stores/tables.ts';

let folder: string;
let tables: Tables;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-text-'));
  tables = await openTables();
});
afterAll(async () => {
  tables.close();
  await rm(folder, { recursive: true, force: true });
});

let made = 0;
/** What a file's rows are as Parquet, each value as text, and the types of the columns. */
async function read(name: string, bytes: string | Uint8Array): Promise<{ rows: unknown; types: unknown }> {
  const path = join(folder, String(made++));
  await writeFile(path, bytes);
  const target = `${path}.parquet`;
  await toParquet({ key: name, path, format: dataFormat(name) }, { dialect: null, columns: [] }, target, tables);
  const columns = await tables.all(`DESCRIBE SELECT * FROM read_parquet(${literal(target)})`);
  const rows = await tables.all(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet(${literal(target)})`);
  return {
    rows: rows.map((row) => Object.values(row)),
    types: Object.fromEntries(columns.map((column) => [column['column_name'], column['column_type']])),
  };
}

const refused = (reason: RegExp) =>
  expect.objectContaining({ code: 'DATA_UNREADABLE', message: expect.stringMatching(reason) as unknown }) as unknown;

describe('numbers that 64 bits do not take', () => {
  test.each([
    ['ids.csv', 'id,x\n12345678901234567890,1\n12345678901234567891,2\n'],
    ['ids.jsonl', '{"id":12345678901234567890,"x":1}\n{"id":12345678901234567891,"x":2}\n'],
  ])('%s keeps every digit, as text', async (name, text) => {
    expect(await read(name, text)).toEqual({
      rows: [
        ['12345678901234567890', '1'],
        ['12345678901234567891', '2'],
      ],
      types: { id: 'VARCHAR', x: 'BIGINT' },
    });
  });

  test('fractions and powers of ten stay numbers', async () => {
    expect((await read('v.csv', 'v,w\n1.5,1e30\n12345678901234567890,2e300\n')).types).toEqual({
      v: 'DOUBLE',
      w: 'DOUBLE',
    });
  });
});

describe('dates', () => {
  test.each([
    ['a.csv', 't\n01/02/2001\n03/04/2001\n'],
    ['b.csv', 't\n01.02.2001 10:00:00\n13.04.2001 11:00:00\n'],
    ['c.jsonl', '{"t":"01-02-2001 10:00:00"}\n{"t":"03-04-2001 11:00:00"}\n'],
  ])('%s does not say which is the day, so it stays text', async (name, text) => {
    expect((await read(name, text)).types).toEqual({ t: 'VARCHAR' });
  });

  test.each([
    ['t\n\n2001-02-01\n', 'DATE'],
    ['t\n2001/02/01 10:00:00\n', 'TIMESTAMP'],
    ['t\n2001-02-01T10:00:00.25\n', 'TIMESTAMP'],
    ['t\n2001-02-01T10:00:00Z\n', 'TIMESTAMP WITH TIME ZONE'],
  ])('with the year first %j is read', async (text, type) => {
    expect((await read('t.csv', text)).types).toEqual({ t: type });
  });
});

describe('JSON Lines', () => {
  test.each([
    ['a list', '{"a":1}\n[1,2]\n', /line 2: it is no whole JSON object/],
    ['a number', '5\n{"a":1}\n', /line 1: it is no whole JSON object/],
    ['one document', '[{"a":1},{"a":2}]\n', /line 1: it is no whole JSON object/],
    ['names that differ in case', '{"a":1}\n{"A":2}\n', /names the column 'A' twice/],
  ])('%s is refused', async (_, text, reason) => {
    await expect(read('x.jsonl', text)).rejects.toEqual(refused(reason));
  });

  test('a name that only looks like a doubled one is kept', async () => {
    expect((await read('x.jsonl', '{"a":1,"a_1":2}\n')).types).toEqual({ a: 'BIGINT', a_1: 'BIGINT' });
  });

  test('records with members of their own are columns', async () => {
    const lines = Array.from({ length: 300 }, (_, row) => JSON.stringify({ [`k${row}`]: row }));
    const { types } = await read('x.jsonl', `${lines.join('\n')}\n`);
    expect(Object.keys(Object(types))).toHaveLength(300);
  });
});

test.each([
  ['mixed line ends', 'x.csv', 'a,b\r\n1,2\n3,4\r\n5,6\r7,8\n'],
  ['bytes that are no text', 'x.csv', Uint8Array.from({ length: 5000 }, (_, place) => (place * 7919 + 13) % 256)],
  ['bytes that are no JSON', 'x.jsonl', Uint8Array.from({ length: 5000 }, (_, place) => (place * 7919 + 13) % 256)],
  ['gzip with zeros behind', 'x.csv.gz', Buffer.concat([gzipSync('a,b\n1,2\n'), Buffer.alloc(100)])],
])('%s: the file is named', async (_, name, bytes) => {
  await expect(read(name, bytes)).rejects.toEqual(refused(new RegExp(`^${name} cannot be read: `)));
});
