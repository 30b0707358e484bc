/* oxlint-disable jest/expect-expect -- expectations stand in expectRefused */
import fc from 'fast-check';
import { always, expectRefused, type FuzzAnswer, type FuzzServer, inferPath, openFuzzServer } from './fuzz-server.ts';

const limit = 120_000;

let fuzz: FuzzServer;

beforeAll(async () => {
  fuzz = await openFuzzServer();
}, limit);
afterEach(() => fuzz.checkAlive());
afterAll(() => fuzz?.close(), limit);

/** Two rows: 16 bytes of numbers, then two texts after their lengths. */
const tensors = Buffer.concat([
  Buffer.from(Float32Array.from([1.2, 17, 0.5, 3]).buffer),
  ...['SFO', 'LAX'].map((text) => Buffer.from([text.length, 0, 0, 0, ...Buffer.from(text)])),
]);

type Sizes = { readonly numbers: unknown; readonly categories: unknown };

function head({ numbers, categories }: Sizes = { numbers: 16, categories: 14 }): Buffer {
  const input = (name: string, datatype: string, width: number, size: unknown) => ({
    name,
    datatype,
    shape: [2, width],
    parameters: { binary_data_size: size },
  });
  return Buffer.from(
    JSON.stringify({ inputs: [input('numbers', 'FP32', 2, numbers), input('categories', 'BYTES', 1, categories)] }),
  );
}

/** Sends a JSON head and bytes after it, as the binary tensor data extension has them. */
function ask(json: Buffer, bytes: Uint8Array, length: string = String(json.length)): Promise<FuzzAnswer> {
  const headers = { 'content-type': 'application/octet-stream', 'inference-header-content-length': length };
  return fuzz.ask(inferPath, Buffer.concat([json, bytes]), headers);
}

test('the request that is spoiled below is answered as it is', async () => {
  expect((await ask(head(), tensors)).status).toBe(200);
});

test(
  'a length of the head that is not its own is refused',
  () =>
    always(fc.oneof(fc.integer().map(String), fc.stringMatching(/^[\x21-\x7e]{1,30}$/)), 300, async (length) => {
      if (length !== String(head().length)) expectRefused(await ask(head(), tensors, length));
    }),
  limit,
);

test(
  'sizes that are not those of the bytes are refused by the name of a tensor or of the size',
  () =>
    always(fc.tuple(fc.jsonValue(), fc.jsonValue()), 300, async ([numbers, categories]) => {
      if (numbers === 16 && categories === 14) return;
      const answer = await ask(head({ numbers, categories }), tensors);
      expectRefused(answer);
      expect(answer.message).toMatch(/numbers|categories|binary_data_size/);
    }),
  limit,
);

test(
  'tensors that break off, or go on, are refused',
  async () => {
    for (let end = 0; end < tensors.length; end += 1) expectRefused(await ask(head(), tensors.subarray(0, end)));
    expectRefused(await ask(head(), Buffer.concat([tensors, tensors])));
  },
  limit,
);

test(
  'any bytes as tensors are answered or refused, never failed on',
  () =>
    always(fc.uint8Array({ minLength: 30, maxLength: 30 }), 500, async (bytes) => {
      const { status } = await ask(head(), bytes);
      expect([200, 400]).toContain(status);
    }),
  limit,
);

test.each([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])('%s is refused by the name of its tensor', async (_, value) => {
  const bytes = Buffer.from(tensors);
  bytes.writeFloatLE(value, 4);
  const answer = await ask(head(), bytes);
  expectRefused(answer);
  expect(answer.message).toContain('numbers');
});

test('a text whose length points behind the end is refused', async () => {
  for (const length of [4, 100, 2 ** 31, 2 ** 32 - 1]) {
    const bytes = Buffer.from(tensors);
    bytes.writeUInt32LE(length, 16);
    const answer = await ask(head(), bytes);
    expectRefused(answer);
    expect(answer.message).toContain('categories');
  }
});
