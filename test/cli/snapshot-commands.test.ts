import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import type { HistoryEntry } from '../../domain/snapshot-history.ts';
import { createS3Client } from '../../stores/objects/s3-client.ts';
import { perduraHere } from '../support/cli-here.ts';
import { freshBucketName, testServices } from '../support/services.ts';

type Created = {
  readonly snapshot: { readonly digest: string; readonly rows: number };
  readonly moved: boolean;
  readonly entry: HistoryEntry;
};

const bucket = freshBucketName();
let folder = '';
let environment: Readonly<Record<string, string>> = {};
let first: Created;
let second: Created;

beforeAll(async () => {
  const { s3 } = testServices();
  folder = await mkdtemp(join(tmpdir(), 'perdura-snapshots-'));
  environment = {
    S3_ENDPOINT: s3.endpoint ?? '',
    AWS_ACCESS_KEY_ID: s3.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey ?? '',
    PERDURA_BUCKET: bucket,
  };
  await add('shop', { 'a.csv': 'n,colour\n1,red\n2,blue\n3,red\n' });
  first = await answer<Created>('snapshot create shop');
  await add('shop', { 'b.csv': 'n,colour\n4,red\n' });
  second = await answer<Created>('snapshot create shop');
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const call = (words: string) => perduraHere(words.split(' '), { folder, environment });

async function answer<Answer>(words: string): Promise<Answer> {
  const { exitCode, stdout, stderr } = await call(`${words} --json`);
  if (exitCode !== 0) throw new Error(`perdura ${words} exits ${exitCode}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as Answer;
}

async function failure(words: string): Promise<unknown> {
  const { exitCode, stdout } = await call(`${words} --json`);
  return { exitCode, ...(JSON.parse(stdout) as object) };
}

async function add(dataset: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await answer(`data add ${dataset} ${Object.keys(files).join(' ')}`);
}

test('the first snapshot is data version 1.0.0, a new file makes a minor one and is the reason', () => {
  expect(first).toMatchObject({ moved: true, snapshot: { rows: 3 }, entry: { dataVersion: '1.0.0', from: null } });
  expect(second).toMatchObject({
    moved: true,
    snapshot: { rows: 4 },
    entry: {
      event: 'created',
      name: 'latest',
      dataVersion: '1.1.0',
      from: first.snapshot.digest,
      to: second.snapshot.digest,
      who: userInfo().username,
    },
  });
  expect(second.entry.reasons).toEqual(['One file is new.']);
});

test('what has not changed is not made again', async () => {
  const again = await answer<Created>('snapshot create shop');
  expect(again).toEqual({ ...second, moved: false });
  const { stdout } = await call('snapshot create shop');
  expect(stdout).toContain('Nothing has changed');
});

test('show tells rows, columns with their statistics, and files', async () => {
  expect(await answer('snapshot show shop')).toMatchObject({
    snapshot: { dataset: 'shop', digest: second.snapshot.digest, dataVersion: '1.1.0', rows: 4 },
    manifest: {
      fileCount: 2,
      columns: [
        { name: 'n', type: 'integer' },
        { name: 'colour', type: 'string' },
      ],
    },
    statistics: { rows: 4, columns: { n: { missing: 0, range: { min: 1, max: 4, mean: 2.5 } } } },
    files: [
      { key: 'data/shop/a.csv', rows: 3 },
      { key: 'data/shop/b.csv', rows: 1 },
    ],
  });
  const { stdout } = await call(`snapshot show shop@${first.snapshot.digest.slice(0, 8)} --files 1`);
  expect(stdout).toContain('3 rows in 1 file,');
  expect(stdout).toMatch(/colour +string +0 +about 2 +often red/);
});

test('log lists moves, newest first', async () => {
  const log = await answer<{ readonly entries: readonly HistoryEntry[] }>('snapshot log shop --branch latest');
  expect(log.entries.map((entry) => entry.dataVersion)).toEqual(['1.1.0', '1.0.0']);
});

test('diff tells files, rows and distributions', async () => {
  const from = first.snapshot.digest.slice(0, 10);
  const diff = await answer(`snapshot diff shop@${from} shop@latest`);
  expect(diff).toMatchObject({
    change: 'minor',
    files: { added: [{ key: 'data/shop/b.csv' }], removed: [], changed: [], unchanged: 1 },
    rows: { from: 3, to: 4 },
    columns: { added: [], removed: [], retyped: [] },
    distributions: expect.arrayContaining([expect.objectContaining({ column: 'n', psi: expect.any(Number) })]),
  });
  const { stdout } = await call(`snapshot diff shop@${from} shop`);
  expect(stdout).toContain('rows     3 → 4 (+1)');
  expect(stdout).toContain('  + data/shop/b.csv (1 row)');
});

test('a snapshot that stands is whole, and --bytes reads all of it', async () => {
  const proof = await answer<{ readonly bytesRead: number }>('snapshot verify shop --bytes');
  expect(proof).toMatchObject({ files: 2, findings: [] });
  expect(proof.bytesRead).toBe(28 + 15);
  expect(await answer('snapshot verify shop')).toMatchObject({ bytesRead: 0, findings: [] });
});

test('a deleted version is found, exit 1', async () => {
  await add('lost', { 'c.csv': 'n\n1\n' });
  await answer('snapshot create lost');
  const { files } = await answer<{ readonly files: readonly { readonly s3VersionId: string }[] }>('snapshot show lost');
  const client = createS3Client({ ...testServices().s3, bucket });
  const version = { Bucket: bucket, Key: 'data/lost/c.csv', VersionId: files[0]?.s3VersionId ?? '' };
  await client.send(new DeleteObjectCommand(version));
  client.destroy();
  expect(await failure('snapshot verify lost')).toMatchObject({
    exitCode: 1,
    findings: [{ fault: 'version-deleted', key: 'data/lost/c.csv' }],
  });
});

test('a tag names a snapshot for ever', async () => {
  await answer(`snapshot tag shop@${first.snapshot.digest.slice(0, 8)} opening --why done`);
  expect(await answer('snapshot show shop@opening')).toMatchObject({ snapshot: { digest: first.snapshot.digest } });
  expect(await failure('snapshot tag shop@latest opening')).toMatchObject({ exitCode: 1, error: { code: 'CONFLICT' } });
});

test('a rollback moves the branch back and says why; what is newest can be made again', async () => {
  const { entry } = await answer<{ readonly entry: HistoryEntry }>('snapshot rollback shop --why wrong');
  expect(entry).toMatchObject({ event: 'rolledBack', to: first.snapshot.digest, dataVersion: '1.0.0', why: 'wrong' });
  const { stdout } = await call(`snapshot rollback shop --to ${second.snapshot.digest.slice(0, 8)}`);
  expect(stdout).toContain(`shop@latest is shop@${second.snapshot.digest.slice(0, 12)}, data version 1.1.0`);
});

test('a schema is inferred from a snapshot, also where its statistics were only added up', async () => {
  const { schema, text } = await answer<{ readonly schema: object; readonly text: string }>('data infer shop@1.1.0');
  expect(schema).toMatchObject({
    dataset: 'shop',
    expectations: expect.arrayContaining([
      { kind: 'onlyColumns', columns: ['n', 'colour'], severity: 'warn' },
      { kind: 'unique', columns: ['n'] },
    ]),
  });
  expect(text).toContain(`Inferred from shop@${second.snapshot.digest.slice(0, 12)}: 4 rows, 2 columns.`);
});

test('text of another kind is read as the options say', async () => {
  await add('prices', { 'p.csv': "7;'a;b'\n8;'c'\n" });
  await answer("snapshot create prices --delimiter ; --quote ' --columns price,label");
  expect(await answer('snapshot show prices')).toMatchObject({
    snapshot: { rows: 2 },
    manifest: {
      columns: [
        { name: 'price', type: 'integer' },
        { name: 'label', type: 'string' },
      ],
      dialect: { delimiter: ';', quote: "'", columns: ['price', 'label'] },
    },
  });
});

test('a branch goes its own way and is merged; a file that both sides changed is a named conflict', async () => {
  await add('bills', { 'x.csv': 'n\n1\n', 'y.csv': 'n\n2\n' });
  await answer('snapshot create bills');
  await answer('snapshot branch bills repair');
  await add('bills', { 'x.csv': 'n\n10\n' });
  await answer('snapshot create bills --branch repair');
  expect(await answer('snapshot merge bills repair')).toMatchObject({ into: 'latest', snapshot: { rows: 2 } });
  const [repaired, merged] = [await answer('snapshot show bills@repair'), await answer('snapshot show bills')];
  expect(merged).toEqual(repaired);
  // Row 1 went with the file that had it.
  expect((await call('snapshot show bills')).stdout).toMatch(/n +integer +0 +≥ 1 +6 +≤ 10/);
  await add('bills', { 'y.csv': 'n\n20\n' });
  await answer('snapshot create bills --branch repair');
  await add('bills', { 'y.csv': 'n\n21\n' });
  await answer('snapshot create bills');
  expect(await failure('snapshot merge bills repair')).toMatchObject({
    exitCode: 1,
    error: { code: 'CONFLICT', message: expect.stringContaining('data/bills/y.csv') },
  });
});

test.each([
  ['snapshot show nothing', 1, 'NOT_FOUND'],
  ['snapshot log nothing', 1, 'NOT_FOUND'],
  ['snapshot log shop --branch lastet', 1, 'NOT_FOUND'],
  ['snapshot show shop@nothing', 1, 'NOT_FOUND'],
  ['snapshot create nothing', 1, 'NOT_FOUND'],
  ['snapshot create shop --from all --prefix data/', 2, 'INPUT_INVALID'],
  ['snapshot create shop --encoding utf-9', 2, 'INPUT_INVALID'],
  ['snapshot diff shop@latest bills@latest', 2, 'INPUT_INVALID'],
  ['snapshot branch shop other --from bills@latest', 2, 'INPUT_INVALID'],
  ['snapshot show @latest', 2, 'INPUT_INVALID'],
])("'%s' exits %d with %s", async (words, exitCode, code) => {
  expect(await failure(words)).toMatchObject({ exitCode, error: { code, message: expect.stringMatching(/\.$/) } });
});
