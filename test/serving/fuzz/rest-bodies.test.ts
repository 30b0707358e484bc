/* oxlint-disable jest/expect-expect -- expectations stand in expectRefused */
import fc from 'fast-check';
import {
  always,
  expectRefused,
  type FuzzServer,
  type GoodBody,
  goodBody,
  goodRecord,
  inferPath,
  labelsPath,
  openFuzzServer,
  predictPath,
} from './fuzz-server.ts';

const limit = 120_000;

let fuzz: FuzzServer;

beforeAll(async () => {
  fuzz = await openFuzzServer();
}, limit);
afterEach(() => fuzz.checkAlive());
afterAll(() => fuzz?.close(), limit);

test(
  'a body that is any JSON but no request is refused',
  () => always(fc.jsonValue(), 600, async (json) => expectRefused(await fuzz.ask(inferPath, JSON.stringify(json)))),
  limit,
);

test(
  'a body that is any bytes is refused',
  () =>
    always(fc.uint8Array({ maxLength: 200 }), 300, async (bytes) => expectRefused(await fuzz.ask(inferPath, bytes))),
  limit,
);

test(
  'a body that breaks off is refused',
  async () => {
    const whole = JSON.stringify(goodBody());
    for (let end = 0; end < whole.length; end += 1) expectRefused(await fuzz.ask(inferPath, whole.slice(0, end)));
  },
  limit,
);

test(
  'a body with some of its bytes changed is answered or refused, never failed on',
  async () => {
    const whole = Buffer.from(JSON.stringify(goodBody()));
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    await always(changes, 600, async (all) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of all) bytes[at] = value;
      const { status, text } = await fuzz.ask(inferPath, bytes);
      expect([200, 400]).toContain(status);
      expect(text).not.toBe('');
    });
  },
  limit,
);

const notText = fc.jsonValue().filter((value) => typeof value !== 'string');
const notNumber = fc.jsonValue().filter((value) => typeof value !== 'number' && !Array.isArray(value));
const notList = fc.jsonValue().filter((value) => !Array.isArray(value));
const otherWord = fc.string({ minLength: 1, maxLength: 40 }).map((word) => `${word}?`);

/** What is done to a good body, with what, and what the refusal must name. */
const spoilings: readonly (readonly [
  string,
  fc.Arbitrary<unknown>,
  (body: GoodBody, value: unknown) => void,
  RegExp,
])[] = [
  ['inputs that are no list', notList, (body, value) => Object.assign(body, { inputs: value }), /inputs/],
  [
    'an input that is no object',
    fc.oneof(fc.integer(), fc.string(), fc.constant(null)),
    (body, value) => Object.assign(body.inputs, [value]),
    /inputs/,
  ],
  [
    'a name that is no text',
    notText,
    ({ inputs: [numbers] }, value) => Object.assign(numbers, { name: value }),
    /name|inputs/,
  ],
  ['another name', otherWord, ({ inputs: [numbers] }, value) => Object.assign(numbers, { name: value }), /Input/],
  [
    'a datatype that is no text',
    notText,
    ({ inputs: [numbers] }, value) => Object.assign(numbers, { datatype: value }),
    /datatype/,
  ],
  [
    'another datatype',
    otherWord,
    ({ inputs: [numbers] }, value) => Object.assign(numbers, { datatype: value }),
    /numbers.*datatype/,
  ],
  [
    'a shape that is no list',
    notList,
    ({ inputs: [numbers] }, value) => Object.assign(numbers, { shape: value }),
    /shape/,
  ],
  [
    'another shape',
    fc
      .array(fc.oneof(fc.integer(), fc.double(), fc.constant(2 ** 53)), { maxLength: 12 })
      .filter((shape) => String(shape) !== '2,2'),
    ({ inputs: [numbers] }, value) => Object.assign(numbers, { shape: value }),
    /numbers.*shape|shape.*numbers|inputs.*shape|numbers.*rows|numbers.*dimensions/,
  ],
  [
    'data that is no list',
    notList,
    ({ inputs: [numbers] }, value) => Object.assign(numbers, { data: value }),
    /data|numbers/,
  ],
  [
    'a value that is no number',
    notNumber,
    ({ inputs: [numbers] }, value) => Object.assign(numbers, { data: [1, 2, value, 4] }),
    /numbers/,
  ],
  [
    'a number that FP32 does not hold',
    fc.double({ min: 3.5e38, noNaN: true, noDefaultInfinity: true }),
    ({ inputs: [numbers] }, value) => Object.assign(numbers, { data: [1, 2, value, 4] }),
    /numbers/,
  ],
  [
    'too few or too many values',
    fc
      .array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 20 })
      .filter(({ length }) => length !== 4),
    ({ inputs: [numbers] }, value) => Object.assign(numbers, { data: value }),
    /numbers/,
  ],
  [
    'a category that is no text',
    notText,
    ({ inputs: [, categories] }, value) => Object.assign(categories, { data: ['SFO', value] }),
    /categories/,
  ],
  ['an id that is no text', notText, (body, value) => Object.assign(body, { id: value }), /id/],
  [
    'an id that is too long',
    fc.string({ minLength: 201, maxLength: 5_000 }),
    (body, value) => Object.assign(body, { id: value }),
    /id/,
  ],
  [
    'parameters that are no object',
    fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.array(fc.integer())),
    (body, value) => Object.assign(body, { parameters: value }),
    /parameters/,
  ],
  [
    'a subject that is no text',
    notText,
    (body, value) => Object.assign(body, { parameters: { subject: value } }),
    /subject/,
  ],
  ['outputs that are no list', notList, (body, value) => Object.assign(body, { outputs: value }), /outputs/],
  ['another output', otherWord, (body, value) => Object.assign(body, { outputs: [{ name: value }] }), /Output/],
];

test.each(spoilings)(
  '%s: the refusal names the field',
  (_, given, spoil, named) =>
    always(given, 120, async (value) => {
      const body = goodBody();
      spoil(body, value);
      const answer = await fuzz.ask(inferPath, JSON.stringify(body));
      expectRefused(answer);
      expect(answer.message).toMatch(named);
    }),
  limit,
);

test.each([
  ['NaN', /./],
  ['Infinity', /./],
  ['-Infinity', /./],
  ['1e999', /numbers/],
  ['null', /numbers/],
  ['"1"', /numbers/],
  ['true', /numbers/],
  ['[1]', /numbers/],
  ['{}', /numbers/],
])('%s in the place of a number is refused', async (text, named) => {
  const answer = await fuzz.ask(inferPath, JSON.stringify(goodBody()).replace('0.5', text));
  expectRefused(answer);
  expect(answer.message).toMatch(named);
});

test.each([33, 1_000, 100_000])('JSON that is %d lists deep is refused', async (depth) => {
  const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
  for (const path of [inferPath, predictPath, labelsPath]) {
    expectRefused(await fuzz.ask(path, nested));
    expectRefused(await fuzz.ask(path, `{"record":${nested},"inputs":${nested},"labels":${nested}}`));
  }
});

test('names that JavaScript gives objects are names like any other', async () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length']) {
    const text = JSON.stringify(goodBody()).replace('"numbers"', JSON.stringify(name));
    expectRefused(await fuzz.ask(inferPath, text));
    expectRefused(await fuzz.ask(inferPath, `{"inputs":{"${name}":1}}`));
    expectRefused(await fuzz.ask(predictPath, `{"record":{"${name}":1}}`));
    for (const path of [`/v2/models/${name}/infer`, `/endpoints/${name}/predict`]) {
      expect((await fuzz.ask(path, path.includes('v2') ? text : JSON.stringify({ record: goodRecord }))).status).toBe(
        404,
      );
    }
  }
});
