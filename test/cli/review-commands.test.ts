import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { openPolicy } from '../../domain/endpoint-policy.ts';
import type { OpenReview } from '../../domain/review.ts';
import { hideColumns } from '../../serving/log/hide-columns.ts';
import type { LoggedRow } from '../../serving/log/log-writer.ts';
import { openSubjectKeys } from '../../serving/log/subject-keys.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { writeDocumentOnce } from '../../stores/documents.ts';
import { readTombstones, type SubjectKeyDocument, writeSubjectKey } from '../../stores/subject-key-documents.ts';
import { openTables, pathLiteral } from '../../stores/tables.ts';
import { setRoute } from '../serving/harness.ts';
import { settingsOf } from '../support/cli.ts';
import { perduraHere } from '../support/cli-here.ts';
import { type TestS3, withTestS3 } from '../support/test-s3.ts';
import { putTinyPackage, tinyClasses } from '../support/tiny-model.ts';

let service: TestS3;
let store: ReturnType<typeof createS3ObjectStore>;
let folder = '';

beforeAll(async () => {
  service = await withTestS3();
  await ensureBucket(service.s3);
  store = createS3ObjectStore(service.s3);
  folder = await mkdtemp(join(tmpdir(), 'perdura-review-'));
  const binary = await putTinyPackage(store, { model: 'flights', modelVersion: '1' }, { bias: 0 });
  await setRoute(store, 'flights', { champion: binary });
  const several = await putTinyPackage(
    store,
    { model: 'arrivals', modelVersion: '1' },
    { bias: 0, task: 'multiclass' },
  );
  await setRoute(store, 'arrivals', { champion: several });
}, 60_000);

afterAll(async () => {
  store.close();
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

async function perdura(...words: readonly string[]) {
  const environment = { PERDURA_HOME: join(folder, 'home'), ...settingsOf(service) };
  const { exitCode, stdout } = await perduraHere([...words, '--json'], { folder, environment });
  return { exitCode, answer: JSON.parse(stdout) as Readonly<Record<string, unknown>> };
}

async function labelsOf(endpoint: string): Promise<readonly (readonly unknown[])[]> {
  const rows: (readonly unknown[])[] = [];
  const tables = await openTables();
  for await (const { key } of store.list(`labels/${endpoint}/`)) {
    const file = join(folder, 'labels.parquet');
    await writeFile(file, (await store.read(key)).bytes);
    const found = await tables.all(`SELECT requestId, label, "at" FROM read_parquet(${pathLiteral(file)})`);
    rows.push(...found.map((row) => [row['requestId'], row['label'], row['at']]));
  }
  tables.close();
  return rows.toSorted((a, b) => String(a[0]).localeCompare(String(b[0])));
}

async function refused(...words: readonly string[]): Promise<{ readonly code: string; readonly message: string }> {
  const { exitCode, answer } = await perdura(...words);
  expect(exitCode).not.toBe(0);
  return answer['error'] as { readonly code: string; readonly message: string };
}

/** A review as a model server queues it, its passenger encrypted under a key of the group `ada`; the key is brought to the bucket. */
async function encryptedReview(requestId: string): Promise<OpenReview> {
  const keyFolder = await mkdtemp(join(folder, 'writer-'));
  const keys = openSubjectKeys({ folder: keyFolder, replicaFolder: keyFolder, startId: 's' });
  const encrypt = { columns: ['passenger'], group: 'passenger' };
  const policy = { ...openPolicy('flights'), log: { sample: 1, redact: [], encrypt } };
  const row = {
    requestId,
    endpoint: 'flights',
    subject: 's',
    record: { passenger: 'ada', distance: 900 },
    features: {},
    error: null,
  };
  const { record, features, keyId } = hideColumns(policy, row as unknown as LoggedRow, keys);
  keys.handOver();
  const handed = await readFile(join(keyFolder, 'keys', 's-0.keys.jsonl'), 'utf8');
  await writeSubjectKey(store, JSON.parse(handed) as SubjectKeyDocument);
  const at = '2001-03-01T09:00:00.000Z';
  return {
    requestId,
    at,
    model: 'flights',
    modelVersion: '1',
    answer: '{"late":0.52}',
    confidence: 0.52,
    record,
    features,
    keyId,
  };
}

test('answers that wait are listed, answered once, and become labels', async () => {
  await writeDocumentOnce(store, 'reviews/flights/open/one-1.json', { items: [await encryptedReview('r-1')] });
  expect(await perdura('review', 'list', 'flights')).toMatchObject({
    exitCode: 0,
    answer: {
      waiting: 1,
      reviews: [{ requestId: 'r-1', answer: { late: 0.52 }, record: { passenger: 'ada', distance: 900 } }],
    },
  });

  const answer = (label: string, who: string) =>
    ['review', 'answer', 'flights', 'r-1', '--label', label, '--why', 'landed at 18:40', '--who', who] as const;
  expect(await refused(...answer('late', 'ada'))).toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('true or false'),
  });
  const given = await perdura(...answer('true', 'ada'));
  expect(given).toMatchObject({
    exitCode: 0,
    answer: { requestId: 'r-1', label: 1, given: 'true', who: 'ada', why: 'landed at 18:40' },
  });
  expect(await refused(...answer('false', 'bob'))).toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('ada'),
  });

  expect(await perdura('review', 'list', 'flights')).toMatchObject({ answer: { waiting: 0, reviews: [] } });
  expect(await labelsOf('flights')).toEqual([['r-1', 1, given.answer['at']]]);
});

test('a group that is forgotten can never be read again, and its tombstone does not name it', async () => {
  await writeDocumentOnce(store, 'reviews/flights/open/one-2.json', { items: [await encryptedReview('r-2')] });
  expect(await perdura('review', 'list', 'flights')).toMatchObject({
    answer: { reviews: [{ record: { passenger: 'ada' } }] },
  });
  // Written again: forgetting takes all versions.
  const keysBefore: string[] = [];
  for await (const { key } of store.list('subject-keys/flights/')) keysBefore.push(key);
  for (const key of keysBefore) await store.write(key, (await store.read(key)).bytes);

  const { exitCode, answer } = await perdura('subjects', 'forget', 'flights', 'ada', '--why', 'asked for');
  expect({ exitCode, answer }).toEqual({
    exitCode: 0,
    answer: { endpoint: 'flights', keysDeleted: 2 * keysBefore.length },
  });
  for (const key of keysBefore) expect(await store.versions(key)).toEqual([]);
  const listed = await perdura('review', 'list', 'flights');
  expect(listed.answer['reviews']).toMatchObject([
    { record: { passenger: { enc: expect.any(String) }, distance: 900 } },
  ]);

  const [group] = Object.keys(await readTombstones(store, 'flights'));
  const { bytes } = await store.read(`subject-keys/flights/forgotten/${group}.json`);
  expect(Buffer.from(bytes).toString()).toContain('asked for');
  expect(Buffer.from(bytes).toString()).not.toContain('"ada"');
  expect(await perdura('subjects', 'forget', 'flights', 'ada')).toMatchObject({ answer: { keysDeleted: 0 } });
});

const csv = 'requestId,label,at\n007,early,2001-03-31 17:00:00\nb/1,on time,2001-03-31T17:00:00+02:00\nc,late,\n';
const known = [
  ['007', 0, '2001-03-31T17:00:00.000Z'],
  ['b/1', 2, '2001-03-31T15:00:00.000Z'],
];

test('the labels of a CSV file are added once, classes by name', async () => {
  expect(tinyClasses).toEqual(['early', 'late', 'on time']);
  await writeFile(join(folder, 'labels.csv'), csv);
  const first = await perdura('labels', 'add', 'arrivals', '--file', 'labels.csv', '--who', 'ada');
  expect(first).toMatchObject({ exitCode: 0, answer: { rows: 3, added: true, who: 'ada' } });
  const second = await perdura('labels', 'add', 'arrivals', '--file', 'labels.csv', '--who', 'bob');
  expect(second).toMatchObject({ exitCode: 0, answer: { rows: 3, added: false, who: 'ada', at: first.answer['at'] } });
  expect(await labelsOf('arrivals')).toEqual([...known, ['c', 1, first.answer['at']]]);
});

test.each([
  [
    'labels.jsonl',
    () =>
      Promise.resolve(
        '{"requestId":"2001-03-01","label":"early"}\n{"label":"late","requestId":"x","at":"2001-03-31"}\n',
      ),
  ],
  ['labels.csv.gz', () => Promise.resolve(gzipSync('requestId,label,at\n2001-03-01,early,\nx,late,2001-03-31\n'))],
  [
    'labels.parquet',
    () =>
      parquet(
        "SELECT * FROM (VALUES ('2001-03-01', 'early', NULL), ('x', 'late', TIMESTAMP '2001-03-31')) AS t(requestId, label, \"at\")",
      ),
  ],
])('%s is read as it stands', async (name, bytes) => {
  await writeFile(join(folder, name), await bytes());
  expect(await perdura('labels', 'add', 'arrivals', '--file', name)).toMatchObject({
    exitCode: 0,
    answer: { rows: 2, added: true },
  });
  expect(await labelsOf('arrivals')).toEqual(
    expect.arrayContaining([
      ['2001-03-01', 0, expect.any(String)],
      ['x', 1, '2001-03-31T00:00:00.000Z'],
    ]),
  );
});

test('a file with wrong rows names them, and nothing is written', async () => {
  const before = await labelsOf('flights');
  await writeFile(join(folder, 'wrong.csv'), 'requestId,label,at\na,true,\nb,maybe,\n,true,\na,false,\nd,1,soon\n');
  const { code, message } = await refused('labels', 'add', 'flights', '--file', 'wrong.csv');
  expect(code).toBe('INPUT_INVALID');
  expect(message.match(/row \d+/g)).toEqual(['row 2', 'row 3', 'row 4', 'row 1', 'row 5']);
  expect(await labelsOf('flights')).toEqual(before);
});

test.each([
  ['id,label\na,true\n', 'requestId'],
  ['requestId,label,when\na,true,\n', 'when'],
  ['requestId,label\n', 'no rows'],
])('a file that is none of labels is refused: %j', async (text, named) => {
  await writeFile(join(folder, 'none.csv'), text);
  const { message } = await refused('labels', 'add', 'flights', '--file', 'none.csv');
  expect(message).toContain(named);
});

test.each([
  ['review list flihgts'],
  ['review answer flihgts x --label true --why test'],
  ['labels add flihgts --file labels.csv'],
  ['subjects forget flihgts ada'],
])("'%s' says which endpoint was perhaps meant", async (words) => {
  expect(await refused(...words.split(' '))).toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining("'flights'"),
  });
});

async function parquet(sql: string): Promise<Buffer> {
  const file = join(folder, 'made.parquet');
  const tables = await openTables();
  await tables.all(`COPY (${sql}) TO ${pathLiteral(file)} (FORMAT parquet)`);
  tables.close();
  return readFile(file);
}
