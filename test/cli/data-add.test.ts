import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import type { Arrival } from '../../domain/snapshot.ts';
import { perduraHere } from '../support/cli-here.ts';
import { freshBucketName, testServices } from '../support/services.ts';

let folder = '';
let environment: Readonly<Record<string, string>> = {};

beforeAll(async () => {
  const { s3 } = testServices();
  folder = await mkdtemp(join(tmpdir(), 'perdura-add-'));
  environment = {
    S3_ENDPOINT: s3.endpoint ?? '',
    AWS_ACCESS_KEY_ID: s3.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey ?? '',
    PERDURA_BUCKET: freshBucketName(),
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(...words: readonly string[]) {
  const { exitCode, stdout } = await perduraHere([...words, '--json'], { folder, environment });
  return { exitCode, answer: JSON.parse(stdout) as Record<string, unknown> };
}

async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}

test('a folder is added with its folders in the keys, without the marks of other tools, and they become columns', async () => {
  await write({
    'lake/year=2001/month=02/a.csv': 'n\n3\n',
    'lake/year=2001/month=01/a.csv.gz': gzipSync('n\n1\n2\n'),
    'lake/_SUCCESS': 'x',
    'lake/year=2001/.a.csv.crc': 'x',
  });
  const { answer } = await run('data', 'add', 'lake', 'lake');
  expect((answer['arrivals'] as readonly Arrival[]).map(({ key }) => key)).toEqual([
    'data/lake/year=2001/month=01/a.csv.gz',
    'data/lake/year=2001/month=02/a.csv',
  ]);
  expect((await run('snapshot', 'create', 'lake')).answer).toMatchObject({ snapshot: { rows: 3 } });
  expect((await run('snapshot', 'show', 'lake')).answer).toMatchObject({
    manifest: { columns: [{ name: 'n' }, { name: 'year', type: 'integer' }, { name: 'month', type: 'integer' }] },
    statistics: { columns: { month: { range: { min: 1, max: 2 } } } },
  });
});

test.each([
  ['latin-1', Buffer.from('town\nKöln\n', 'latin1')],
  ['utf-16', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('town\nKöln\n', 'utf16le')])],
])('text in %s is taken in, and read where the snapshot is told so', async (encoding, bytes) => {
  await write({ [`${encoding}.csv`]: bytes });
  expect((await run('data', 'add', encoding, `${encoding}.csv`)).exitCode).toBe(0);
  const refused = await run('snapshot', 'create', encoding);
  expect(refused).toMatchObject({ exitCode: 1, answer: { error: { code: 'DATA_UNREADABLE' } } });
  await run('snapshot', 'create', encoding, '--encoding', encoding);
  const profile = { values: ['Köln'], counts: [1] };
  expect((await run('snapshot', 'show', encoding)).answer).toMatchObject({
    statistics: { columns: { town: { profile } } },
  });
});

test('of several files none arrives where one is damaged, and two of one name are refused', async () => {
  await write({ 'good.csv': 'n\n1\n', 'bad.parquet': 'PAR1 and no more', 'other/good.csv': 'n\n2\n', 'empty/_x': '' });
  expect((await run('data', 'add', 'none', 'good.csv', 'bad.parquet')).answer).toMatchObject({
    error: { code: 'DATA_UNREADABLE', message: expect.stringContaining('bad.parquet') as unknown },
  });
  expect((await run('snapshot', 'create', 'none')).answer).toMatchObject({ error: { code: 'NOT_FOUND' } });
  expect(await run('data', 'add', 'none', 'good.csv', 'other/good.csv')).toMatchObject({ exitCode: 2 });
  expect((await run('data', 'add', 'none', 'empty')).answer).toMatchObject({
    error: { message: expect.stringContaining('is a folder without data files') as unknown },
  });
});
