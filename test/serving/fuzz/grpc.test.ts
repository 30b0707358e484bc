/* oxlint-disable jest/expect-expect -- expectations stand in expectCode */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { connect as connectTcp } from 'node:net';
import { ModelInferRequestSchema } from '../../../serving/protocol/grpc/generated/inference_pb.ts';
import { always, endpoint, type FuzzServer, openFuzzServer } from './fuzz-server.ts';

const limit = 120_000;
const service = '/inference.GRPCInferenceService';
const asIs = (bytes: Buffer): Buffer => bytes;

let fuzz: FuzzServer;
let channel: Client;

beforeAll(async () => {
  fuzz = await openFuzzServer();
  channel = new Client(fuzz.server.grpcUrl, credentials.createInsecure(), { 'grpc.max_send_message_length': -1 });
}, limit);
afterEach(async () => {
  const { code, details } = await call('ModelInfer', encode(good()));
  if (code !== status.OK) throw new Error(`A good request was answered ${code}: ${details}`);
  await fuzz.checkAlive();
});
afterAll(async () => {
  channel?.close();
  await fuzz?.close();
}, limit);

type Ended = { readonly code: number; readonly details: string };

/** Sends bytes as a message, whether they are one or not. */
function call(method: string, bytes: Uint8Array, metadata = new Metadata()): Promise<Ended> {
  return new Promise((resolve) => {
    const deadline = Date.now() + 20_000;
    channel.makeUnaryRequest(`${service}/${method}`, asIs, asIs, Buffer.from(bytes), metadata, { deadline }, (error) =>
      resolve({ code: error?.code ?? status.OK, details: error?.details ?? '' }),
    );
  });
}

type Message = MessageInitShape<typeof ModelInferRequestSchema>;
const encode = (message: Message): Uint8Array =>
  toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, message));

const numbers = (more: object = {}) => ({
  name: 'numbers',
  datatype: 'FP32',
  shape: [1n, 2n],
  contents: { fp32Contents: [1.2, 17] },
  ...more,
});
const categories = (more: object = {}) => ({
  name: 'categories',
  datatype: 'BYTES',
  shape: [1n, 1n],
  contents: { bytesContents: [Buffer.from('SFO')] },
  ...more,
});
/** A message that is answered, to be spoiled. */
const good = (more: Message = {}): Message => ({
  modelName: endpoint,
  id: 'good',
  inputs: [numbers(), categories()],
  ...more,
});

function expectCode(ended: Ended, codes: readonly number[]): void {
  expect({ ...ended, code: codes.includes(ended.code) ? 'one of these' : status[ended.code] }).toMatchObject({
    code: 'one of these',
  });
}

const refused = [status.INVALID_ARGUMENT, status.NOT_FOUND];
const methods = ['ServerLive', 'ServerReady', 'ServerMetadata', 'ModelReady', 'ModelMetadata', 'ModelInfer'];

test(
  'any bytes are no message, or one that names no endpoint',
  () =>
    always(fc.uint8Array({ minLength: 1, maxLength: 300 }), 800, async (bytes) =>
      expectCode(await call('ModelInfer', bytes), refused),
    ),
  limit,
);

test(
  'any bytes to any method are answered or refused, never failed on',
  () =>
    always(fc.tuple(fc.constantFrom(...methods), fc.uint8Array({ maxLength: 100 })), 600, async ([method, bytes]) =>
      expectCode(await call(method, bytes), [status.OK, ...refused]),
    ),
  limit,
);

test(
  'a message that breaks off is refused',
  async () => {
    const whole = encode(good());
    for (let end = 0; end < whole.length; end += 1) {
      expectCode(await call('ModelInfer', whole.subarray(0, end)), refused);
    }
  },
  limit,
);

test(
  'a message with some of its bytes changed is answered or refused, never failed on',
  async () => {
    const whole = encode(good());
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    await always(changes, 1_000, async (all) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of all) bytes[at] = value;
      expectCode(await call('ModelInfer', bytes), [status.OK, ...refused]);
    });
  },
  limit,
);

const otherWord = fc.string({ minLength: 1, maxLength: 30 }).map((word) => `${word}?`);
const otherShape = fc
  .array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 12 })
  .filter((shape) => shape.join() !== '1,2');

/** What is done to a good message, with what, and what the refusal must name. */
const spoilings: readonly (readonly [string, fc.Arbitrary<unknown>, (value: never) => Message, RegExp])[] = [
  ['no inputs', fc.constant(null), () => good({ inputs: [] }), /numbers|inputs/],
  ['another name', otherWord, (name: string) => good({ inputs: [numbers({ name }), categories()] }), /Input/],
  ['an input twice', fc.constant(null), () => good({ inputs: [numbers(), numbers(), categories()] }), /numbers/],
  [
    '1,000 inputs',
    fc.constant(null),
    () => good({ inputs: Array.from({ length: 1_000 }, (_, at) => numbers({ name: `n${at}` })) }),
    /input/i,
  ],
  [
    'another datatype',
    otherWord,
    (datatype: string) => good({ inputs: [numbers({ datatype }), categories()] }),
    /numbers.*datatype/,
  ],
  ['another shape', otherShape, (shape: bigint[]) => good({ inputs: [numbers({ shape }), categories()] }), /numbers/],
  [
    'another number of values',
    fc.array(fc.float(), { maxLength: 9 }).filter(({ length }) => length !== 2),
    (fp32Contents: number[]) => good({ inputs: [numbers({ contents: { fp32Contents } }), categories()] }),
    /numbers/,
  ],
  [
    'a value that is not finite',
    fc.constantFrom(Number.NaN, Infinity, -Infinity),
    (value: number) => good({ inputs: [numbers({ contents: { fp32Contents: [1, value] } }), categories()] }),
    /numbers/,
  ],
  [
    'contents of another datatype',
    fc.constantFrom(
      { fp64Contents: [1, 2] },
      { boolContents: [true, false] },
      { bytesContents: [Buffer.from('1'), Buffer.from('2')] },
      undefined,
    ),
    (contents: object) => good({ inputs: [numbers({ contents }), categories()] }),
    /numbers/,
  ],
  [
    'a category that is no UTF-8',
    fc.constantFrom([0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80]),
    (bytes: number[]) =>
      good({ inputs: [numbers(), categories({ contents: { bytesContents: [Uint8Array.from(bytes)] } })] }),
    /categories/,
  ],
  [
    'raw contents of another size',
    fc.uint8Array({ maxLength: 30 }).filter(({ length }) => length !== 8),
    (raw: Uint8Array) =>
      good({
        inputs: [numbers({ contents: undefined }), categories({ contents: undefined })],
        rawInputContents: [raw, Buffer.from([3, 0, 0, 0, 0x53, 0x46, 0x4f])],
      }),
    /numbers/,
  ],
  [
    'raw contents for too few inputs',
    fc.constant(null),
    () =>
      good({
        inputs: [numbers({ contents: undefined }), categories({ contents: undefined })],
        rawInputContents: [new Uint8Array(8)],
      }),
    /raw|categories/,
  ],
  [
    'raw contents beside others',
    fc.constant(null),
    () => good({ rawInputContents: [new Uint8Array(8), Buffer.from([0, 0, 0, 0])] }),
    /numbers|raw/,
  ],
  ['another output', otherWord, (name: string) => good({ outputs: [{ name }] }), /Output/],
  ['an id that is too long', fc.string({ minLength: 201, maxLength: 3_000 }), (id: string) => good({ id }), /id/],
  [
    'a subject that is no text',
    fc.constantFrom({ case: 'boolParam' as const, value: true }, { case: 'int64Param' as const, value: 1n }),
    (parameterChoice: { case: 'boolParam'; value: boolean }) => good({ parameters: { subject: { parameterChoice } } }),
    /subject/,
  ],
];

test.each(spoilings)(
  '%s: INVALID_ARGUMENT that names the field',
  (_, given, spoil, named) =>
    always(given, 80, async (value) => {
      const ended = await call('ModelInfer', encode(spoil(value as never)));
      expect(ended).toEqual({ code: status.INVALID_ARGUMENT, details: expect.stringMatching(named) });
    }),
  limit,
);

test(
  'endpoints and versions that there are not are NOT_FOUND',
  () =>
    always(fc.tuple(otherWord, fc.constantFrom('modelName', 'modelVersion')), 200, async ([word, field]) => {
      expectCode(await call('ModelInfer', encode(good({ [field]: word }))), [status.NOT_FOUND]);
    }),
  limit,
);

test('a method that there is not is UNIMPLEMENTED', async () => {
  expect((await call('ModelTrain', new Uint8Array())).code).toBe(status.UNIMPLEMENTED);
});

test(
  'a message of 100 MiB is RESOURCE_EXHAUSTED',
  async () => {
    const message = good({
      inputs: [numbers({ contents: { fp32Contents: [] } })],
      rawInputContents: [new Uint8Array(100 * 2 ** 20)],
    });
    expect((await call('ModelInfer', encode(message))).code).toBe(status.RESOURCE_EXHAUSTED);
  },
  limit,
);

test(
  'metadata of any text is taken or refused, never failed on',
  () => {
    const names = fc.constantFrom('x-perdura-subject', 'x-perdura-arm', 'authorization', 'x-api-key', 'traceparent');
    return always(fc.tuple(names, fc.stringMatching(/^[\x20-\x7e]{0,300}$/)), 400, async ([name, value]) => {
      const metadata = new Metadata();
      metadata.set(name, value);
      const codes = [status.OK, status.INVALID_ARGUMENT, status.UNAUTHENTICATED, status.PERMISSION_DENIED];
      expectCode(await call('ModelInfer', encode(good()), metadata), codes);
    });
  },
  limit,
);

test.each([
  ['HTTP/1.1', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.repeat(10)],
  ['a preface without frames', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnot a frame at all, not a frame at all'],
  ['nothing but zeros', '\0'.repeat(1_000)],
])('%s on the port of gRPC ends that connection alone', async (_, text) => {
  const [host, port] = fuzz.server.grpcUrl.split(':');
  const socket = connectTcp({ host: host ?? '', port: Number(port) });
  const closed = new Promise((done) => socket.on('close', done).on('error', () => undefined));
  socket.write(text, 'latin1');
  socket.resume();
  await closed;
  expect(socket.destroyed).toBe(true);
});
