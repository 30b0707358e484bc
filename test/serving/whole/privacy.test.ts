import { join } from 'node:path';

import { openPolicy } from '../../../domain/endpoint-policy.ts';
import type { InferenceRow } from '../../../domain/inference.ts';
import type { ModelReference } from '../../../domain/model-package.ts';
import type { ModelServerProcess } from '../../../serving/start-process.ts';
import { forgetSubjects } from '../../../stores/subject-keys.ts';
import { perduraHere } from '../../support/cli-here.ts';
import { type TestS3, withTestS3 } from '../../support/test-s3.ts';
import { useTestKey } from '../../support/test-key.ts';
import { putTinyPackage } from '../../support/tiny-model.ts';
import { rawClient, type RawClient } from '../grpc/raw-client.ts';
import { flight, rowsInBucket, segmentsLeft, type Serving, setRoute, until, withServing } from '../harness.ts';
import { rowsOf } from '../log/bucket-rows.ts';
import {
  binaryRecord,
  filesWith,
  grpcRecords,
  grpcTensors,
  type Headers,
  overGrpc,
  overHttp,
  restRecords,
  restTensors,
  setPolicy,
} from './asking.ts';

/** Stands in everything that a client sent and nobody may read later. */
const secret = 'Zx7qSecret';
const person = {
  ...flight,
  origin: `${secret}-origin`,
  ssn: `${secret}-ssn`,
  email: `${secret}-email`,
  passenger: `${secret}-ada`,
};
let service: TestS3;
let serving: Serving;
let server: ModelServerProcess;
let client: RawClient;
let champion: ModelReference;

beforeAll(async () => {
  service = await withTestS3();
  serving = await withServing(service);
  const { store } = serving;
  champion = await putTinyPackage(store, { model: 'flights', modelVersion: '1' }, { bias: 0 });
  const shadow = await putTinyPackage(store, { model: 'flights', modelVersion: '2' }, { bias: 1 });
  const encrypt = { columns: ['email', 'passenger', 'date', 'distance'], group: 'passenger' };
  const log = { ...openPolicy('').log, redact: ['origin', 'ssn'] };
  await setRoute(store, 'flights', { champion, shadows: [shadow] });
  await setPolicy(store, 'flights', { log: { ...log, encrypt }, review: { below: 1 } });
  await setRoute(store, 'by-subject', { champion, shadows: [shadow] });
  await setPolicy(store, 'by-subject', { log: { ...log, encrypt: { columns: ['email', 'passenger'], group: null } } });
  server = await serving.start({ processes: 2, retryWindow: '1 second' });
  client = rawClient(server.grpcUrl);
}, 60_000);

afterAll(async () => {
  client.close();
  await serving.close();
}, 60_000);

const logged = () => until('the log is in the bucket', () => segmentsLeft(serving) === 0);

async function perdura(...words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { s3 } = service;
  const environment = {
    PERDURA_HOME: join(serving.homeFolder, 'cli'),
    S3_ENDPOINT: s3.endpoint ?? '',
    AWS_ACCESS_KEY_ID: s3.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey ?? '',
    PERDURA_BUCKET: s3.bucket,
  };
  const ran = await perduraHere([...words, '--json'], { folder: serving.homeFolder, environment });
  expect([words, ran.exitCode, ran.stderr]).toEqual([words, 0, ran.stderr]);
  return JSON.parse(ran.stdout) as Readonly<Record<string, unknown>>;
}

/** All that the bucket holds, Parquet as rows, beside the keys of subjects. */
async function bucketText(): Promise<string> {
  const texts: string[] = [];
  for await (const { key } of serving.store.list('')) {
    if (key.endsWith('.parquet') || key.startsWith('subject-keys/')) continue;
    texts.push(`${key} ${Buffer.from((await serving.store.read(key)).bytes).toString('latin1')}`);
  }
  return texts.join('\n') + JSON.stringify(await rowsInBucket(serving, 'inference/'));
}

/** The same person over every protocol and form; each request's id. */
async function askAll(endpoint: string): Promise<readonly string[]> {
  const { body: bytes, headers: framing } = binaryRecord(person);
  // Where columns are hidden by another group, the subject is declared to be no secret.
  const subject: Headers = { 'x-perdura-subject': endpoint === 'by-subject' ? `${secret}-subject` : 'ada' };
  const infer = `/v2/models/${endpoint}/infer`;
  const named = [{ ...restTensors[0] }, { ...restTensors[1], data: [person.origin] }];
  const typed = [
    grpcTensors[0] ?? {},
    {
      name: 'categories',
      datatype: 'BYTES',
      shape: [1n, 1n],
      contents: { bytesContents: [Buffer.from(person.origin)] },
    },
  ];
  const all = [
    overHttp(server.url, infer, { headers: subject, body: { id: 'json', inputs: restRecords(person, person) } }),
    overHttp(server.url, infer, { headers: { ...subject, ...framing }, body: bytes }),
    overHttp(server.url, infer, { headers: subject, body: { id: 'tensors', inputs: named } }),
    overHttp(server.url, `/endpoints/${endpoint}/predict`, {
      headers: subject,
      body: { requestId: 'rows', record: person },
    }),
    overGrpc(client, 'modelInfer', { modelName: endpoint, id: 'grpc', inputs: grpcRecords(person) }, subject),
    overGrpc(client, 'modelInfer', { modelName: endpoint, id: 'grpc-tensors', inputs: typed }, subject),
  ];
  const statuses = (await Promise.all(all)).map(({ status }) => status);
  expect(statuses).toEqual(statuses.map(() => 200));
  return ['json/0', 'json/1', 'tensors', 'rows', 'grpc', 'grpc-tensors'];
}

const ofRequest = (rows: readonly InferenceRow[], requestId: string) =>
  rows.filter((row) => row.requestId === requestId);

test('what is redacted or encrypted stands in no file, no object, no queue and no shadow row, whichever way it came', async () => {
  for (const endpoint of ['flights', 'by-subject']) {
    const ids = await askAll(endpoint);
    // While segments are open on the disk, and once they are in the bucket.
    expect(await filesWith(serving.homeFolder, secret)).toEqual([]);
    await logged();
    const rows = await rowsOf(serving.store, endpoint);
    for (const id of ids) expect([id, ofRequest(rows, id).map(({ shadow }) => shadow)]).toEqual([id, [false, true]]);
  }
  expect(await filesWith(serving.homeFolder, secret)).toEqual([]);
  expect(await bucketText()).not.toContain(secret);
}, 60_000);

type Review = { readonly requestId: string; readonly record: unknown };

/** The record of an answer that waits for a person, as `perdura review list` shows it. */
async function waiting(requestId: string): Promise<string> {
  const { items = [], reviews = items } = (await perdura('review', 'list', 'flights')) as {
    readonly items?: readonly Review[];
    readonly reviews?: readonly Review[];
  };
  const found = reviews.find((each) => each.requestId === requestId);
  if (found === undefined) throw new Error(`No review of ${requestId}.`);
  return JSON.stringify(found.record);
}

/** Asks about a person until the row that is logged of it can be read back, and says how its passenger reads. */
async function passengerOf(at: ModelServerProcess, requestId: string, passenger: string): Promise<unknown> {
  const body = { requestId, record: { ...person, passenger } };
  expect((await overHttp(at.url, '/endpoints/flights/predict', { body })).status).toBe(200);
  const rowOf = async () => ofRequest(await rowsOf(serving.store, 'flights'), requestId)[0];
  await until('it is in the bucket', async () => (await rowOf()) !== undefined);
  const record = JSON.parse((await rowOf())?.record ?? '{}') as Readonly<Record<string, unknown>>;
  return record['passenger'];
}

test('with its key a review shows its person; after the person was forgotten neither it nor the log does', async () => {
  const forgotten = `${secret}-bob`;
  expect(await passengerOf(server, 'bob-1', forgotten)).toBe(forgotten);
  await until('it waits for a person', async () => (await waiting('bob-1').catch(() => null)) !== null);
  expect(await waiting('bob-1')).toContain(`${secret}-email`);
  expect(await waiting('bob-1')).not.toContain(`${secret}-ssn`);
  const shown = async () => JSON.stringify(await perdura('log', 'show', 'flights', 'bob-1'));
  expect(await shown()).toContain(`${secret}-email`);
  expect(await shown()).not.toContain(`${secret}-ssn`);

  expect(await perdura('subjects', 'forget', 'flights', forgotten, '--why', 'They asked.')).toMatchObject({
    keysDeleted: 2,
  });
  expect(await waiting('bob-1')).not.toContain(secret);
  expect(await shown()).not.toContain(secret);
  const [row] = ofRequest(await rowsOf(serving.store, 'flights'), 'bob-1');
  expect(JSON.stringify(row)).not.toContain(secret);
}, 60_000);

test('the same person may come back: to the server that forgot, and at once to one that never knew', async () => {
  const [again, longAgo] = [`${secret}-bob`, `${secret}-carol`];
  const by = { group: longAgo, at: new Date(Date.now() - 3_600_000).toISOString(), who: 'test', why: 'test' };
  await forgetSubjects({ store: serving.store, s3: service.s3 }, 'flights', by);
  // Another replica on a machine of its own, whose disk is empty.
  const homeFolder = join(serving.homeFolder, 'elsewhere');
  await useTestKey(homeFolder);
  const elsewhere = await serving.start({ processes: 1, replica: 'elsewhere', homeFolder });
  expect(await passengerOf(elsewhere, 'carol-1', longAgo)).toBe(longAgo);
  await elsewhere.stop();

  let tries = 0;
  await until(
    'this server has a new key',
    async () => (await passengerOf(server, `bob-again-${(tries += 1)}`, again)) === again,
    { atMostMs: 25_000 },
  );
  const [first] = ofRequest(await rowsOf(serving.store, 'flights'), 'bob-1');
  expect(JSON.stringify(first)).not.toContain(secret);
}, 60_000);

test('odd names and values in records reach the log as they came, and hide nothing that is to be hidden', async () => {
  const odd = `{"__proto__":{"ssn":"kept, it is no column"},"constructor":"c","toString":"\\u0000","ssn":"${secret}","date":"${flight.date}","distance":1,"origin":"${secret}","half":"\\ud800"}`;
  const deep = `{"date":"${flight.date}","distance":1,"origin":"SFO","a":${'['.repeat(40)}${']'.repeat(40)}}`;
  const infer = (id: string, texts: readonly string[]) =>
    overHttp(server.url, '/v2/models/flights/infer', {
      body: { id, inputs: [{ name: 'records', datatype: 'BYTES', shape: [texts.length], data: texts }] },
    });
  expect((await infer('odd', [odd])).status).toBe(200);
  expect((await infer('deep', [deep])).status).toBe(400);
  expect(
    (
      await infer(
        'many',
        Array.from({ length: 5_000 }, () => '{}'),
      )
    ).status,
  ).toBe(400);
  const big = JSON.stringify({ ...flight, note: 'x'.repeat(70_000) });
  expect((await infer('big', [big])).status).toBe(413);
  const grpc = await overGrpc(
    client,
    'modelInfer',
    { modelName: 'flights', inputs: grpcRecords({ ...flight, note: 'x'.repeat(70_000) }) },
    {},
  );
  expect([grpc.status, grpc.code]).toEqual([429, 'INPUT_INVALID']);
  await logged();
  const rows = await rowsOf(serving.store, 'flights');
  const [row] = ofRequest(rows, 'odd');
  expect(JSON.parse(row?.record ?? '')).toEqual({
    ...(JSON.parse('{"__proto__":{"ssn":"kept, it is no column"}}') as object),
    constructor: 'c',
    toString: '\0',
    half: '\ud800',
    date: flight.date,
    distance: 1,
  });
  expect(rows.filter(({ requestId }) => /^(deep|many|big)/.test(requestId))).toEqual([]);
  const late = await overHttp(server.url, '/endpoints/flights/labels', {
    body: { labels: [{ requestId: 'odd', label: 1, at: '+275760-09-13T00:00:00Z' }] },
  });
  expect([late.status, late.text]).toEqual([400, expect.stringContaining('labels[0].at')]);
}, 60_000);
