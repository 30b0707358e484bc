import type { Route } from '../../domain/route.ts';
import { chooseArm, type Weighted } from '../../serving/answering/arm.ts';
import type { ModelServerProcess } from '../../serving/start-process.ts';
import { putTinyPackage } from '../support/tiny-model.ts';
import { get, post, rowsInBucket, segmentsLeft, type Serving, setRoute, until, withServing } from './harness.ts';

/** Shapes and member names: Open Inference Protocol, https://github.com/kserve/open-inference-protocol, REST, v2. */
const inputs = [
  { name: 'numbers', datatype: 'FP32', shape: [2, 2], data: [1.2, 17, 0.5, 3] },
  { name: 'categories', datatype: 'BYTES', shape: [2, 1], data: ['SFO', 'elsewhere'] },
];
const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit));

let serving: Serving;
let server: ModelServerProcess;
let route: Route;

beforeAll(async () => {
  serving = await withServing();
  const put = (modelVersion: string, bias: number) =>
    putTinyPackage(
      serving.store,
      { model: 'flights', modelVersion },
      { bias, distance: 0.3, hour: 0.02, origins: { SFO: 0.7 } },
    );
  const [champion, version] = [await put('1', -0.5), await put('2', 0.5)];
  route = await setRoute(serving.store, 'flights', { champion, challenger: { version, weight: 10 } });
  server = await serving.start();
}, 60_000);

afterAll(() => serving.close(), 60_000);

const arms: Weighted = [
  { name: 'champion', weight: 90 },
  { name: 'challenger', weight: 10 },
];

function subjectOf(arm: 'champion' | 'challenger'): string {
  for (let next = 0; ; next += 1) if (chooseArm('flights', `tail-${next}`, arms).name === arm) return `tail-${next}`;
}

const infer = (path: string, body: unknown) => post(server.url, `/v2/models/${path}/infer`, body);

test('a server says that it lives, that it is ready, and what it is', async () => {
  expect(await get(server.url, '/v2/health/live')).toEqual({ status: 200, body: { live: true } });
  expect(await get(server.url, '/v2/health/ready')).toEqual({ status: 200, body: { ready: true } });
  expect((await get(server.url, '/v2')).body).toEqual({
    name: 'perdura',
    version: expect.any(String),
    extensions: ['binary_tensor_data'],
  });
});

test('metadata names datatypes and shapes, and the versions that are loaded', async () => {
  expect((await get(server.url, '/v2/models/flights')).body).toEqual({
    name: 'flights',
    versions: ['1', '2'],
    platform: 'onnx',
    inputs: [
      { name: 'numbers', datatype: 'FP32', shape: [-1, 2] },
      { name: 'categories', datatype: 'BYTES', shape: [-1, 1] },
    ],
    outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1] }],
  });
  expect((await get(server.url, '/v2/models/flights/versions/2/ready')).body).toEqual({ name: 'flights', ready: true });
  expect((await get(server.url, '/v2/models/flights/versions/9/ready')).status).toBe(404);
  expect(await get(server.url, '/v2/models/unknown')).toEqual({
    status: 404,
    body: { error: expect.any(String), code: 'NOT_FOUND', message: expect.any(String), remedy: expect.any(String) },
  });
});

test('rows come back in order, from the arm of the subject unless a version is named, which is no evidence', async () => {
  const logits = [0.3 * 1.2 + 0.02 * 17 + 0.7, 0.3 * 0.5 + 0.02 * 3];
  const expected = (modelVersion: string, arm: string, bias: number) => ({
    model_name: 'flights',
    model_version: modelVersion,
    id: 'x',
    parameters: {
      arm,
      model_version: modelVersion,
      package_digest: route.arms.find(({ version }) => version.modelVersion === modelVersion)?.version.packageDigest,
      epoch: 1,
    },
    outputs: [
      {
        name: 'probability',
        datatype: 'FP32',
        shape: [2, 1],
        data: logits.map((logit) => expect.closeTo(sigmoid(logit + bias), 6)),
      },
    ],
  });
  const ask = (path: string, subject: string) => infer(path, { id: 'x', inputs, parameters: { subject } });
  const [low, high] = [subjectOf('challenger'), subjectOf('champion')];
  expect(await ask('flights', high)).toEqual({ status: 200, body: expected('1', 'champion', -0.5) });
  expect(await ask('flights', low)).toEqual({ status: 200, body: expected('2', 'challenger', 0.5) });
  expect(await ask('flights/versions/1', low)).toEqual({ status: 200, body: expected('1', 'direct', -0.5) });
  expect(await ask('flights/versions/2', high)).toEqual({ status: 200, body: expected('2', 'direct', 0.5) });
});

test('tensors are logged row by row, by the names of their features', async () => {
  await infer('flights', { id: 'tensors', inputs, parameters: { subject: subjectOf('champion') } });
  await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
  const rows = await rowsInBucket(serving, 'inference/flights/');
  const own = rows.filter(({ requestId }) => String(requestId).startsWith('tensors'));
  expect(
    own.map(({ requestId, arm, record, features }) => [requestId, arm, record, JSON.parse(String(features))]),
  ).toEqual([
    ['tensors/0', 'champion', 'null', { distance: Math.fround(1.2), hour: 17, origin: 'SFO' }],
    ['tensors/1', 'champion', 'null', { distance: 0.5, hour: 3, origin: 'elsewhere' }],
  ]);
});

test('nested data is read row by row', async () => {
  const nested = inputs.map((input) => ({
    ...input,
    data:
      input.name === 'numbers'
        ? [
            [1.2, 17],
            [0.5, 3],
          ]
        : [['SFO'], ['elsewhere']],
  }));
  const ask = (tensors: unknown) => infer('flights/versions/1', { id: 'x', inputs: tensors });
  expect((await ask(nested)).body).toEqual((await ask(inputs)).body);
});

const [numbers, categories] = inputs;
test.each([
  ['a null', [{ ...numbers, data: [1, null, 3, 4] }, categories]],
  ['a number in quotes', [{ ...numbers, data: [1, '2', 3, 4] }, categories]],
  ['a number beyond FP32', [{ ...numbers, data: [1e39, 2, 3, 4] }, categories]],
  ['a number for a category', [numbers, { ...categories, data: ['SFO', 3] }]],
  ['too few values', [{ ...numbers, data: [1, 2, 3] }, categories]],
  ['a shape of other width', [{ ...numbers, shape: [4, 1] }, categories]],
  ['a shape that is not whole', [{ ...numbers, shape: [2.5, 2] }, categories]],
  ['no rows', inputs.map((input) => ({ ...input, shape: [0, input.shape[1]], data: [] }))],
  ['unequal rows', [numbers, { ...categories, shape: [1, 1], data: ['SFO'] }]],
  ['another datatype', [{ ...numbers, datatype: 'BYTES' }, categories]],
  ['a missing input', [numbers]],
  ['an unknown input', [...inputs, { ...numbers, name: 'more' }]],
  ['an input twice', [...inputs, numbers]],
])('%s is refused', async (_, tensors) => {
  const { status, body } = await infer('flights', { inputs: tensors });
  expect({ status, code: body['code'], error: body['error'] }).toEqual({
    status: 400,
    code: 'INPUT_INVALID',
    error: body['message'],
  });
});

test('an output that does not exist is refused', async () => {
  const { status } = await infer('flights', { inputs, outputs: [{ name: 'logit' }] });
  expect(status).toBe(400);
  expect((await infer('flights', { inputs, outputs: [{ name: 'probability' }] })).status).toBe(200);
});
