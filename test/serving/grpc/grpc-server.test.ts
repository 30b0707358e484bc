import { CodedError, type ErrorCode } from '../../../domain/errors.ts';
import { Health } from '../../../serving/protocol/grpc/generated/health_pb.ts';
import { GRPCInferenceService } from '../../../serving/protocol/grpc/generated/inference_pb.ts';
import { type GrpcServer, listenGrpc } from '../../../serving/protocol/grpc/grpc-server.ts';
import { challengerBias, championBias, type GrpcParts, grpcParts } from './grpc-parts.ts';
import { type RawClient, rawClient } from './raw-client.ts';
import { categories, type Input, numbers, rawTexts, typed } from './requests.ts';

const { method } = GRPCInferenceService;
const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));
const expected = (bias: number): number[] => [
  sigmoid(0.3 * 1.5 + 0.02 * 17 + 0.7 + bias),
  sigmoid(0.3 * 0.5 + 0.02 * 3 + bias),
];

let own: GrpcParts;
let server: GrpcServer;
let client: RawClient;

beforeAll(async () => {
  own = await grpcParts();
  server = await listenGrpc(own.parts, {
    host: '127.0.0.1',
    port: 0,
    tls: null,
    maxMessageBytes: 65_536,
    metrics: own.metrics,
  });
  client = rawClient(`127.0.0.1:${server.port}`);
});

beforeEach(() => {
  own.refuse(null);
  own.setOpen(true);
  own.logged.length = 0;
  own.counted.length = 0;
});

afterAll(async () => {
  client.close();
  await server.drain(1_000);
  await own.close();
});

test('typed rows come back typed, with the id and who answered', async () => {
  const answer = await client.call(method.modelInfer, { ...typed, id: 'a-1' });
  const { parameters, outputs } = answer;
  expect([answer.modelName, answer.modelVersion, answer.id]).toEqual(['flights', '1', 'a-1']);
  expect(
    Object.fromEntries(Object.entries(parameters).map(([name, { parameterChoice }]) => [name, parameterChoice.value])),
  ).toEqual({
    arm: 'champion',
    model_version: '1',
    package_digest: '1'.repeat(64),
    epoch: 7n,
  });
  expect(outputs.map(({ name, datatype, shape }) => [name, datatype, shape])).toEqual([
    ['probability', 'FP32', [2n, 1n]],
  ]);
  expect(outputs[0]?.contents?.fp32Contents).toEqual(expected(championBias).map((value) => expect.closeTo(value, 6)));
  expect(answer.rawOutputContents).toEqual([]);
  expect(own.logged.map(({ requestId, features }) => [requestId, features['origin']])).toEqual([
    ['a-1/0', 'SFO'],
    ['a-1/1', 'Zürich'],
  ]);
});

/** Bytes of 1.5, 17, 0.5, 3 by IEEE 754 and bfloat16, little endian; of whole numbers 2, 17, 1, 3. */
const raws: readonly [string, Buffer, number[]][] = [
  ['FP32', Buffer.from(new Float32Array([1.5, 17, 0.5, 3]).buffer), [1.5, 17, 0.5, 3]],
  ['FP64', Buffer.from(new Float64Array([1.5, 17, 0.5, 3]).buffer), [1.5, 17, 0.5, 3]],
  ['FP16', Buffer.from('003e404c00380042', 'hex'), [1.5, 17, 0.5, 3]],
  ['BF16', Buffer.from('c03f8841003f4040', 'hex'), [1.5, 17, 0.5, 3]],
  ['INT8', Buffer.from(new Int8Array([2, 17, -1, 3]).buffer), [2, 17, -1, 3]],
  ['INT16', Buffer.from(new Int16Array([2, 17, -1, 3]).buffer), [2, 17, -1, 3]],
  ['INT32', Buffer.from(new Int32Array([2, 17, -1, 3]).buffer), [2, 17, -1, 3]],
  ['INT64', Buffer.from(new BigInt64Array([2n, 17n, -1n, 3n]).buffer), [2, 17, -1, 3]],
  ['UINT8', Buffer.from(new Uint8Array([2, 17, 1, 3]).buffer), [2, 17, 1, 3]],
  ['UINT16', Buffer.from(new Uint16Array([2, 17, 1, 3]).buffer), [2, 17, 1, 3]],
  ['UINT32', Buffer.from(new Uint32Array([2, 17, 1, 3]).buffer), [2, 17, 1, 3]],
  ['UINT64', Buffer.from(new BigUint64Array([2n, 17n, 1n, 3n]).buffer), [2, 17, 1, 3]],
  ['BOOL', Buffer.from([1, 0, 0, 1]), [1, 0, 0, 1]],
];

test.each(raws)('raw %s is read, and answered raw', async (datatype, bytes, values) => {
  const inputs = [
    { ...numbers, datatype, contents: undefined },
    { ...categories, contents: undefined },
  ].map(({ contents: _contents, ...bare }) => bare);
  const answer = await client.call(method.modelInfer, {
    modelName: 'flights',
    inputs,
    rawInputContents: [bytes, rawTexts],
  });
  const [a = 0, b = 0, c = 0, d = 0] = values;
  const logits = [0.3 * a + 0.02 * b + 0.7 + championBias, 0.3 * c + 0.02 * d + championBias];
  expect(answer.outputs[0]?.contents).toBeUndefined();
  const [raw = new Uint8Array()] = answer.rawOutputContents;
  expect([0, 4].map((at) => Buffer.from(raw).readFloatLE(at))).toEqual(
    logits.map((logit) => expect.closeTo(sigmoid(logit), 6)),
  );
});

const typedContents: readonly [string, NonNullable<Input['contents']>][] = [
  ['BOOL', { boolContents: [true, false, false, true] }],
  ['INT8', { intContents: [1, 0, 0, 1] }],
  ['INT16', { intContents: [1, 0, 0, 1] }],
  ['INT32', { intContents: [1, 0, 0, 1] }],
  ['INT64', { int64Contents: [1n, 0n, 0n, 1n] }],
  ['UINT8', { uintContents: [1, 0, 0, 1] }],
  ['UINT16', { uintContents: [1, 0, 0, 1] }],
  ['UINT32', { uintContents: [1, 0, 0, 1] }],
  ['UINT64', { uint64Contents: [1n, 0n, 0n, 1n] }],
  ['FP32', { fp32Contents: [1, 0, 0, 1] }],
  ['FP64', { fp64Contents: [1, 0, 0, 1] }],
];

test.each(typedContents)('typed %s is read from its field', async (datatype, contents) => {
  const inputs = [{ ...numbers, datatype, contents }, categories];
  const { outputs } = await client.call(method.modelInfer, { modelName: 'flights', inputs });
  const logits = [0.3 + 0.7 + championBias, 0.02 + championBias];
  expect(outputs[0]?.contents?.fp32Contents).toEqual(logits.map((logit) => expect.closeTo(sigmoid(logit), 6)));
});

test('a version that the client names answers, as direct', async () => {
  const { modelVersion, outputs, parameters } = await client.call(method.modelInfer, { ...typed, modelVersion: '2' });
  expect([modelVersion, parameters['arm']?.parameterChoice.value]).toEqual(['2', 'direct']);
  expect(outputs[0]?.contents?.fp32Contents).toEqual(expected(challengerBias).map((value) => expect.closeTo(value, 6)));
});

test('a tester names the arm in the metadata', async () => {
  const { modelVersion } = await client.call(method.modelInfer, typed, { 'x-perdura-arm': 'challenger' });
  expect(modelVersion).toBe('2');
});

test.each([
  ['a parameter', { parameters: { subject: { parameterChoice: { case: 'stringParam', value: 'ada' } } } }, {}],
  ['metadata', {}, { 'x-perdura-subject': 'ada' }],
  ['the id', { id: 'ada' }, {}],
] as const)('the subject comes by %s', async (_, more, headers) => {
  await client.call(method.modelInfer, { ...typed, ...more }, headers);
  expect(own.logged.map(({ subject }) => subject)).toEqual(['ada', 'ada']);
});

test('metadata of the server and of a model are those of REST', async () => {
  expect(await client.call(method.serverMetadata, {})).toMatchObject({
    name: 'perdura',
    extensions: expect.arrayContaining(['binary_tensor_data']),
  });
  const { name, versions, platform, inputs, outputs } = await client.call(method.modelMetadata, { name: 'flights' });
  expect({ name, versions, platform }).toEqual({ name: 'flights', versions: ['1', '2'], platform: 'onnx' });
  expect([...inputs, ...outputs].map((tensor) => [tensor.name, tensor.datatype, tensor.shape])).toEqual([
    ['numbers', 'FP32', [-1n, 2n]],
    ['categories', 'BYTES', [-1n, 1n]],
    ['probability', 'FP32', [-1n, 1n]],
  ]);
});

test('a model is ready where it is in force, in a version that answers', async () => {
  const ready = async (name: string, version = ''): Promise<boolean> =>
    (await client.call(method.modelReady, { name, version })).ready;
  expect([
    await ready('flights'),
    await ready('flights', '2'),
    await ready('flights', '9'),
    await ready('boats'),
  ]).toEqual([true, true, false, false]);
});

test('a server that drains lives, and is not ready', async () => {
  const told = async (): Promise<unknown> => [
    (await client.call(method.serverLive, {})).live,
    (await client.call(method.serverReady, {})).ready,
    (await client.call(Health.method.check, {})).status,
  ];
  expect(await told()).toEqual([true, true, 1]);
  own.setOpen(false);
  expect(await told()).toEqual([true, false, 2]);
});

test('health of a service that does not exist is not found', async () => {
  expect((await client.end(Health.method.check, { service: 'inference.GRPCInferenceService' })).code).toBe('OK');
  expect((await client.end(Health.method.check, { service: 'other' })).code).toBe('NOT_FOUND');
});

const refusals: readonly [ErrorCode, string, Readonly<Record<string, unknown>>][] = [
  ['UNAUTHENTICATED', 'UNAUTHENTICATED', {}],
  ['FORBIDDEN', 'PERMISSION_DENIED', {}],
  ['RATE_LIMITED', 'RESOURCE_EXHAUSTED', { 'retry-after': '2' }],
  ['OVERLOADED', 'RESOURCE_EXHAUSTED', { 'retry-after': '1' }],
  ['SERVICE_UNAVAILABLE', 'UNAVAILABLE', {}],
  ['MODEL_INVALID', 'INTERNAL', {}],
];

test.each(refusals)('%s ends a call with %s', async (code, wanted, trailers) => {
  own.refuse(
    new CodedError(code, 'Größe 100 %: no.', { details: code === 'RATE_LIMITED' ? { retryAfterMs: 1_200 } : {} }),
  );
  const ended = await client.end(method.modelInfer, typed);
  expect(ended).toMatchObject({
    code: wanted,
    message: 'Größe 100 %: no.',
    trailers: { 'perdura-code': code, ...trailers },
  });
});

test('calls are counted by endpoints that exist', async () => {
  await client.call(method.modelInfer, typed);
  await client.end(method.modelInfer, { ...typed, modelName: 'made up by a client' });
  expect(own.counted).toMatchObject([
    { endpoint: 'flights', arm: 'champion', protocol: 'grpc', status: 200, seconds: expect.any(Number) },
    { endpoint: null, arm: 'none', protocol: 'grpc', status: 404 },
  ]);
});
