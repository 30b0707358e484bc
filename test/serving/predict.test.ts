import { rename } from 'node:fs/promises';
import { join } from 'node:path';

import { InferenceSession, Tensor } from 'onnxruntime-node';

import { featureNames, parseRecord } from '../../domain/features.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { chooseArm, type Weighted } from '../../serving/answering/arm.ts';
import type { ModelServerProcess } from '../../serving/start-process.ts';
import { loadFeatureModule } from '../../stores/feature-module.ts';
import { putTinyPackage, tinyPackageFiles, tinySignature } from '../support/tiny-model.ts';
import {
  flight,
  get,
  post,
  rowsInBucket,
  segmentsLeft,
  type Serving,
  setRoute,
  until,
  withServing,
} from './harness.ts';

const model = { bias: -0.5, distance: 0.3, hour: 0.02, origins: { SFO: 0.7, JFK: -0.2 } };
const noPast = {};
const origins = ['SFO', 'JFK', 'never seen', ''];

let serving: Serving;
let server: ModelServerProcess;
let champion: ModelReference;

beforeAll(async () => {
  serving = await withServing();
  const { store } = serving;
  champion = await putTinyPackage(store, { model: 'flights', modelVersion: '1' }, model);
  const challenger = await putTinyPackage(store, { model: 'flights', modelVersion: '2' }, { ...model, bias: 0.5 });
  const broken = await putTinyPackage(
    store,
    { model: 'broken', modelVersion: '1' },
    { bias: 0, distance: 1e30, task: 'regression' },
  );
  await setRoute(store, 'flights', { champion });
  await setRoute(store, 'split', { champion, challenger: { version: challenger, weight: 25 } });
  await setRoute(store, 'broken', { champion: broken });
  server = await serving.start();
}, 60_000);

afterAll(() => serving.close(), 60_000);

const predict = (endpoint: string, body: unknown) => post(server.url, `/endpoints/${endpoint}/predict`, body);

test('answers are those of ONNX Runtime on the features of the training code', async () => {
  const files = await tinyPackageFiles(model);
  const { record, features } = await loadFeatureModule(files['features.mjs']);
  const session = await InferenceSession.create(files['model.onnx']);
  for (const [index, origin] of origins.entries()) {
    const raw = { date: `2001-03-04 0${index}:10:00`, distance: 333.3 * (index + 1), origin };
    const row = features(parseRecord(record, raw), noPast);
    const numbers = Float32Array.from(featureNames(row).numbers, (name) => Number(row[name]));
    const feeds = {
      numbers: new Tensor('float32', numbers, [1, 2]),
      categories: new Tensor('string', [origin], [1, 1]),
    };
    const expected = (await session.run(feeds))['probability']?.data[0];
    const { status, body } = await predict('flights', { record: raw });
    expect({ status, output: body['output'] }).toEqual({ status: 200, output: { late: expected } });
  }
});

test('the answer is the one that the formula gives by hand', async () => {
  const { body } = await predict('flights', { requestId: 'by-hand', record: flight });
  const logit = -0.5 + 0.3 * 1.2 + 0.02 * 17 + 0.7;
  expect(body).toEqual({
    requestId: 'by-hand',
    endpoint: 'flights',
    epoch: 1,
    arm: 'champion',
    model: 'flights',
    modelVersion: '1',
    output: { late: expect.closeTo(1 / (1 + Math.exp(-logit)), 6) },
  });
});

test('what was answered is in the bucket, with the features that the training code computes', async () => {
  const { body } = await predict('flights', { requestId: 'logged-1', subject: 'N123', record: flight });
  await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
  const rows = await rowsInBucket(serving, 'inference/flights/');
  const { features, record } = await loadFeatureModule((await tinyPackageFiles(model))['features.mjs']);
  const [row] = rows.filter(({ requestId }) => requestId === 'logged-1');
  expect(row).toMatchObject({
    subject: 'N123',
    endpoint: 'flights',
    epoch: 1,
    arm: 'champion',
    model: 'flights',
    modelVersion: '1',
    shadow: false,
    status: 200,
    error: null,
    output: (body['output'] as { late: number }).late,
  });
  expect(JSON.parse(String(row?.['record']))).toEqual(flight);
  expect(JSON.parse(String(row?.['features']))).toEqual(features(parseRecord(record, flight), noPast));
  const at = String(row?.['at']);
  expect(row?.['key']).toMatch(new RegExp(`^inference/flights/dt=${at.slice(0, 10)}/hr=${at.slice(11, 13)}/one-`));
  expect(Number(row?.['latencyMs'])).toBeGreaterThan(0);
});

test.each([
  ['a null', { ...flight, distance: null }, 'distance'],
  ['a number in quotes', { ...flight, distance: '1200' }, 'distance'],
  ['a missing field', { date: flight.date, distance: 1 }, 'origin'],
  ['an unreadable time', { ...flight, date: 'yesterday' }, 'date'],
])('%s in a record is refused by field, not turned into something else', async (_, record, field) => {
  const before = await get(server.url, '/endpoints/flights');
  const { status, body } = await predict('flights', { record });
  expect({ status, code: body['code'], field: body['field'] }).toEqual({ status: 400, code: 'INPUT_INVALID', field });
  const after = await get(server.url, '/endpoints/flights');
  expect(after.body['failed']).toBe(before.body['failed']);
});

test.each([
  ['no record', { requestId: 'a' }, 400],
  ['a record that is null', { record: null }, 400],
  ['an unknown member', { record: flight, reqestId: 'a' }, 400],
  ['a request id of control characters', { requestId: 'a\u0000', record: flight }, 400],
  ['a request id with half a surrogate pair', { requestId: 'a\ud800', record: flight }, 400],
  ['broken JSON', '{"record":', 400],
  ['a body over the limit', { record: { ...flight, origin: 'x'.repeat(70_000) } }, 413],
])('%s is the client’s fault and says so', async (_, body, expected) => {
  const answer = await predict('flights', body);
  expect(answer.status).toBe(expected);
  expect(answer.body).toMatchObject({ code: 'INPUT_INVALID', message: expect.any(String), remedy: expect.any(String) });
});

test.each([
  ['a feature function that throws', 'flights', { ...flight, origin: 'BOOM' }, 'FEATURES_INVALID'],
  ['a model whose answer is beyond FP32', 'broken', { ...flight, distance: 1e15 }, 'MODEL_INVALID'],
])('%s is our failure, answered 500 and logged so', async (_, endpoint, record, code) => {
  const requestId = `fails-${endpoint}`;
  const answer = await predict(endpoint, { requestId, record });
  expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status: 500, code });
  const { body } = await get(server.url, `/endpoints/${endpoint}`);
  expect(body['failed']).toBe(1);
  await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
  const rows = await rowsInBucket(serving, `inference/${endpoint}/`);
  expect(rows.filter((row) => row['requestId'] === requestId)).toEqual([
    expect.objectContaining({ status: 500, output: null, error: expect.stringContaining(code) }),
  ]);
});

test('a subject keeps its arm, and the log alone tells why it had it', async () => {
  const arms: Weighted = [
    { name: 'champion', weight: 75 },
    { name: 'challenger', weight: 25 },
  ];
  const subjects = Array.from({ length: 200 }, (_, index) => `tail-${index % 100}`);
  for (const subject of subjects) {
    const { body } = await predict('split', { subject, record: flight });
    expect(body['arm']).toBe(chooseArm('split', subject, arms).name);
    expect(body['modelVersion']).toBe(body['arm'] === 'challenger' ? '2' : '1');
  }
});

test('without a subject the request id chooses the arm', async () => {
  await predict('split', { requestId: 'own-subject', record: flight });
  await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
  const rows = await rowsInBucket(serving, 'inference/split/');
  expect(rows.find(({ requestId }) => requestId === 'own-subject')?.['subject']).toBe('own-subject');
});

test('an unknown endpoint is 404 with what to do', async () => {
  for (const name of ['nowhere', 'a%2Fb', '..%2Fregistry']) {
    const { status, body } = await predict(name, { record: flight });
    expect({ status, body }).toEqual({
      status: 404,
      body: { code: 'NOT_FOUND', message: expect.stringContaining('perdura routes'), remedy: expect.any(String) },
    });
  }
});

test('an endpoint that is new to the server is followed on first use', async () => {
  await setRoute(serving.store, 'fresh', { champion });
  expect((await predict('fresh', { record: flight })).status).toBe(200);
});

test('labels land in the bucket as they were given', async () => {
  const labels = [
    { requestId: 'logged-1', label: 1, at: '2001-03-04T19:00:00+01:00' },
    { requestId: 'logged-2', label: 0 },
  ];
  const answer = await post(server.url, '/endpoints/flights/labels', { labels });
  expect(answer).toEqual({ status: 202, body: { accepted: 2 } });
  await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
  const rows = await rowsInBucket(serving, 'labels/flights/');
  expect(rows).toMatchObject([
    { requestId: 'logged-1', label: 1, at: '2001-03-04T18:00:00.000Z' },
    { requestId: 'logged-2', label: 0 },
  ]);
});

test.each([
  ['an unknown endpoint', 'nowhere', [{ requestId: 'a', label: 1 }], 404],
  ['a label that is null', 'flights', [{ requestId: 'a', label: null }], 400],
  ['a label in quotes', 'flights', [{ requestId: 'a', label: '1' }], 400],
  ['an unreadable time', 'flights', [{ requestId: 'a', label: 1, at: 'soon' }], 400],
  ['no labels', 'flights', [], 400],
])('labels with %s are refused', async (_, endpoint, labels, status) => {
  expect((await post(server.url, `/endpoints/${endpoint}/labels`, { labels })).status).toBe(status);
});

test('more requests at a time than allowed are answered 429', async () => {
  const narrow = await serving.start({ replica: 'narrow', maxInFlight: 1 });
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => post(narrow.url, '/endpoints/flights/predict', { record: flight })),
  );
  const statuses = answers.map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  expect(answers.find(({ status }) => status === 429)?.body['code']).toBe('OVERLOADED');
  await narrow.stop();
}, 60_000);

test('a request that cannot be logged is not answered', async () => {
  const unlogged = await serving.start({ replica: 'unlogged' });
  const ask = () => post(unlogged.url, '/endpoints/flights/predict', { record: flight });
  const folder = join(serving.homeFolder, 'inference', 'unlogged');
  await rename(folder, `${folder}-away`);
  const { status, body } = await ask();
  expect({ status, code: body['code'] }).toEqual({ status: 503, code: 'DISK_FULL' });
  expect((await get(unlogged.url, '/endpoints/flights')).body).toMatchObject({ answered: 0, failed: 1 });
  await rename(`${folder}-away`, folder);
  expect((await ask()).status).toBe(200);
  await unlogged.stop();
}, 60_000);

test('the signature of the tiny model is the one that its features have', async () => {
  const { record, features } = await loadFeatureModule((await tinyPackageFiles(model))['features.mjs']);
  const { numbers, categories } = tinySignature;
  expect(featureNames(features(parseRecord(record, flight), noPast))).toEqual({ numbers, categories });
});
