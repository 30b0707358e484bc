/* oxlint-disable jest/expect-expect -- expectations stand in expectRefused */
import fc from 'fast-check';
import {
  always,
  expectRefused,
  type FuzzServer,
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

const notText = fc.jsonValue().filter((value) => typeof value !== 'string');
const notNumber = fc.jsonValue().filter((value) => typeof value !== 'number' && !Array.isArray(value));
const fields = Object.keys(goodRecord) as (keyof typeof goodRecord)[];
const wrongFor = {
  date: fc
    .jsonValue()
    .filter((value) => typeof value !== 'string' || !Number.isFinite(Date.parse(`${value}Z`)))
    .filter((value) => typeof value !== 'string' || !Number.isFinite(Date.parse(value.replace(' ', 'T')))),
  distance: notNumber,
  origin: notText,
};

test.each(fields)(
  'a record whose %s is of another type is refused by that name',
  (field) =>
    always(wrongFor[field], 200, async (value) => {
      const answer = await fuzz.ask(predictPath, JSON.stringify({ record: { ...goodRecord, [field]: value } }));
      expectRefused(answer);
      expect(answer.message).toContain(field);
    }),
  limit,
);

test(
  'a record that is any JSON is refused',
  () =>
    always(fc.jsonValue(), 300, async (record) =>
      expectRefused(await fuzz.ask(predictPath, JSON.stringify({ record }))),
    ),
  limit,
);

test(
  'labels that are any JSON are refused',
  () =>
    always(fc.jsonValue(), 300, async (labels) => {
      expectRefused(await fuzz.ask(labelsPath, JSON.stringify({ labels })));
    }),
  limit,
);

test(
  'headers of any text are taken or refused, never failed on',
  async () => {
    const text = fc.stringMatching(/^[\x20-\x7e]{0,300}$/);
    const names = fc.constantFrom(
      'x-perdura-subject',
      'x-perdura-arm',
      'authorization',
      'x-api-key',
      'content-type',
      'traceparent',
      'accept-encoding',
      'content-encoding',
      'inference-header-content-length',
    );
    await always(fc.tuple(names, text), 500, async ([name, value]) => {
      const headers = { 'content-type': 'application/json', [name]: value };
      const { status } = await fuzz.ask(inferPath, JSON.stringify(goodBody()), headers);
      expect([200, 400, 401, 403, 415]).toContain(status);
    });
  },
  limit,
);
