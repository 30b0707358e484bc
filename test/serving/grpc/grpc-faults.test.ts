import { GRPCInferenceService } from '../../../serving/protocol/grpc/generated/inference_pb.ts';
import { type GrpcServer, listenGrpc } from '../../../serving/protocol/grpc/grpc-server.ts';
import { type GrpcParts, grpcParts } from './grpc-parts.ts';
import { type RawClient, rawClient } from './raw-client.ts';
import { categories, numbers, rawTexts, type Request, typed } from './requests.ts';

const { method } = GRPCInferenceService;
const inferPath = '/inference.GRPCInferenceService/ModelInfer';

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

const { contents: _numbersContents, ...bareNumbers } = numbers;
const { contents: _categoriesContents, ...bareCategories } = categories;
const faults: readonly [string, Request, string, string][] = [
  ['an endpoint that is not there', { ...typed, modelName: 'boats' }, 'NOT_FOUND', 'boats'],
  ['a version that is not there', { ...typed, modelVersion: '9' }, 'NOT_FOUND', '9'],
  ['an id with a line break', { ...typed, id: 'a\nb' }, 'INVALID_ARGUMENT', 'id'],
  ['an id of 201 characters', { ...typed, id: 'x'.repeat(201) }, 'INVALID_ARGUMENT', 'id'],
  [
    'a subject that is a number',
    { ...typed, parameters: { subject: { parameterChoice: { case: 'int64Param', value: 1n } } } },
    'INVALID_ARGUMENT',
    'subject',
  ],
  ['an output that is not there', { ...typed, outputs: [{ name: 'logit' }] }, 'INVALID_ARGUMENT', 'logit'],
  ['no input', { modelName: 'flights' }, 'INVALID_ARGUMENT', 'numbers'],
  ['an input twice', { ...typed, inputs: [numbers, categories, numbers] }, 'INVALID_ARGUMENT', 'numbers'],
  [
    'an input that is not there',
    { ...typed, inputs: [numbers, categories, { ...numbers, name: 'more' }] },
    'INVALID_ARGUMENT',
    'more',
  ],
  [
    'NaN',
    { ...typed, inputs: [{ ...numbers, contents: { fp32Contents: [Number.NaN, 1, 1, 1] } }, categories] },
    'INVALID_ARGUMENT',
    'numbers',
  ],
  [
    'a shape of other width',
    { ...typed, inputs: [{ ...numbers, shape: [1n, 4n] }, categories] },
    'INVALID_ARGUMENT',
    'numbers',
  ],
  [
    'a shape below zero',
    { ...typed, inputs: [{ ...numbers, shape: [-2n, -2n] }, categories] },
    'INVALID_ARGUMENT',
    'numbers',
  ],
  [
    'a shape that is huge',
    { ...typed, inputs: [{ ...numbers, shape: [2n ** 62n, 2n] }, categories] },
    'INVALID_ARGUMENT',
    'numbers',
  ],
  [
    'features of huge shape',
    {
      modelName: 'flights',
      inputs: [
        ...['distance', 'hour'].map((name) => ({ ...numbers, name, shape: [2n ** 40n] })),
        { ...categories, shape: [2n ** 40n, 1n] },
      ],
    },
    'INVALID_ARGUMENT',
    'distance',
  ],
  ['no contents', { ...typed, inputs: [bareNumbers, categories] }, 'INVALID_ARGUMENT', 'numbers'],
  [
    'contents of another datatype',
    { ...typed, inputs: [{ ...numbers, datatype: 'FP64' }, categories] },
    'INVALID_ARGUMENT',
    'fp64_contents',
  ],
  [
    'typed FP16',
    { ...typed, inputs: [{ ...numbers, datatype: 'FP16' }, categories] },
    'INVALID_ARGUMENT',
    'raw_input_contents',
  ],
  [
    'a datatype that is none',
    { ...typed, inputs: [{ ...numbers, datatype: 'constructor' }, categories] },
    'INVALID_ARGUMENT',
    'numbers',
  ],
  [
    'categories as numbers',
    { ...typed, inputs: [numbers, { ...categories, datatype: 'FP32' }] },
    'INVALID_ARGUMENT',
    'categories',
  ],
  [
    'text that is no UTF-8',
    {
      ...typed,
      inputs: [numbers, { ...categories, contents: { bytesContents: [Buffer.from([0xff]), Buffer.from('a')] } }],
    },
    'INVALID_ARGUMENT',
    'categories',
  ],
  [
    'one raw tensor for two inputs',
    { ...typed, inputs: [bareNumbers, bareCategories], rawInputContents: [rawTexts] },
    'INVALID_ARGUMENT',
    'raw_input_contents',
  ],
  [
    'raw and typed at once',
    { ...typed, rawInputContents: [Buffer.alloc(16), rawTexts] },
    'INVALID_ARGUMENT',
    'numbers',
  ],
  [
    'too few raw bytes',
    { ...typed, inputs: [bareNumbers, bareCategories], rawInputContents: [Buffer.alloc(15), rawTexts] },
    'INVALID_ARGUMENT',
    'numbers',
  ],
  [
    'a raw text longer than its tensor',
    { ...typed, inputs: [bareNumbers, bareCategories], rawInputContents: [Buffer.alloc(16), rawTexts.subarray(0, -1)] },
    'INVALID_ARGUMENT',
    'categories',
  ],
  [
    'a long name',
    { ...typed, inputs: [numbers, categories, { ...numbers, name: '\u{1f600}'.repeat(10_000) }] },
    'INVALID_ARGUMENT',
    '\u{1f600}',
  ],
];

test.each(faults)('%s is refused, by name', async (_, request, code, named) => {
  const ended = await client.end(method.modelInfer, request);
  expect(ended).toMatchObject({ code, message: expect.stringContaining(named) });
  expect(own.logged).toEqual([]);
});

test.each([
  ['no protobuf', Buffer.from('{"inputs": []}')],
  ['a torn message', Buffer.from([0x0a, 0x7f, 0x61])],
  ['a group that nests without end', Buffer.alloc(2_000, 0x0b)],
])('%s is the client’s fault', async (_, bytes) => {
  const ended = await client.send(inferPath, bytes);
  expect(ended).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('ModelInferRequest') });
  expect(own.counted).toMatchObject([{ endpoint: null, arm: 'none', protocol: 'grpc', status: 400 }]);
});

test('a message beyond the limit is refused before it is read', async () => {
  const ended = await client.send(inferPath, Buffer.alloc(65_537));
  expect(ended).toMatchObject({ code: 'RESOURCE_EXHAUSTED', message: expect.stringContaining('larger than max') });
});
