import { CodedError, type ErrorCode } from '../../../domain/errors.ts';
import { ask, httpParts, type HttpParts, type Reply } from './http-parts.ts';

const inputs = [
  { name: 'numbers', datatype: 'FP32', shape: [1, 2], data: [1.2, 17] },
  { name: 'categories', datatype: 'BYTES', shape: [1, 1], data: ['SFO'] },
];
const record = { date: '2001-03-04T17:30:00', distance: 1200, origin: 'SFO' };
const infer = '/v2/models/flights/infer';
const predict = '/endpoints/flights/predict';
const labels = '/endpoints/flights/labels';

let own: HttpParts;

beforeAll(async () => {
  own = await httpParts();
});
beforeEach(() => {
  own.refuse(null);
  own.setOpen(true);
  for (const list of [own.logged, own.labels, own.counted, own.credentials]) list.length = 0;
});
afterAll(() => own.close());

const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> =>
  ask(own.port, path, { body, headers });

test.each<readonly [string, string, unknown, number, string | undefined]>([
  ['no JSON', infer, '{"inputs":', 400, 'body'],
  ['an empty body', infer, '', 400, 'body'],
  ['no UTF-8', infer, Buffer.from('7b22ff223a317d', 'hex'), 400, 'body'],
  ['a list', infer, [inputs], 400, 'body'],
  ['null', predict, 'null', 400, 'body'],
  ['JSON 33 deep', infer, `{"inputs":${'['.repeat(32)}${']'.repeat(32)}}`, 400, 'body'],
  ['JSON 100,000 deep', predict, `{"record":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`, 400, 'body'],
  ['no inputs', infer, {}, 400, 'inputs'],
  ['inputs that are no list', infer, { inputs: 'numbers' }, 400, 'inputs'],
  ['an input that is no object', infer, { inputs: [1] }, 400, 'inputs[0]'],
  ['an input without a name', infer, { inputs: [{ ...inputs[0], name: undefined }] }, 400, 'inputs[0].name'],
  ['an input without a datatype', infer, { inputs: [{ ...inputs[0], datatype: 1 }] }, 400, 'inputs[0].datatype'],
  ['an input without a shape', infer, { inputs: [{ ...inputs[0], shape: 1 }] }, 400, 'inputs[0].shape'],
  ['an input without data', infer, { inputs: [{ ...inputs[0], data: undefined }] }, 400, 'inputs[0].data'],
  ['data that is an object', infer, { inputs: [{ ...inputs[0], data: { length: 2 } }] }, 400, 'inputs[0].data'],
  ['wrong data', infer, { inputs: [{ ...inputs[0], data: [1, 'x'] }, inputs[1]] }, 400, 'numbers'],
  ['an id of 201 characters', infer, { id: 'i'.repeat(201), inputs }, 400, 'id'],
  ['an id that is a number', infer, { id: 7, inputs }, 400, 'id'],
  ['an id of control characters', infer, { id: 'a\u0000', inputs }, 400, 'id'],
  ['a subject that is a number', infer, { inputs, parameters: { subject: 7 } }, 400, 'parameters.subject'],
  ['parameters that are a list', infer, { inputs, parameters: [] }, 400, 'parameters'],
  ['an output that does not exist', infer, { inputs, outputs: [{ name: 'logit' }] }, 400, 'logit'],
  ['outputs without a name', infer, { inputs, outputs: [{}] }, 400, 'outputs[0].name'],
  [
    'a classification',
    infer,
    { inputs, outputs: [{ name: 'probability', parameters: { classification: 2 } }] },
    400,
    'outputs[0].parameters.classification',
  ],
  [
    'shared memory',
    infer,
    { inputs: [{ ...inputs[0], parameters: { shared_memory_region: 'r' } }] },
    400,
    'inputs[0].parameters.shared_memory_region',
  ],
  ['no record', predict, { requestId: 'a' }, 400, 'record'],
  ['a record that is null', predict, { record: null }, 400, 'record'],
  ['both record and records', predict, { record, records: [record] }, 400, 'records'],
  ['no records', predict, { records: [] }, 400, 'records'],
  ['a record among others that is a list', predict, { records: [record, []] }, 400, 'records[1]'],
  ['an unknown member', predict, { record, reqestId: 'a' }, 400, 'reqestId'],
  ['a member of the prototype', predict, '{"__proto__":{"record":{}}}', 400, '__proto__'],
  ['a request id with half a surrogate pair', predict, { requestId: 'a\ud800', record }, 400, 'requestId'],
  ['a record of 70,000 bytes', predict, { record: { ...record, origin: 'x'.repeat(70_000) } }, 413, undefined],
  ['a body over the limit', infer, { inputs, padding: 'x'.repeat(1_000_000) }, 413, undefined],
  ['labels that are no list', labels, { labels: {} }, 400, 'labels'],
  ['10,001 labels', labels, { labels: Array.from({ length: 10_001 }, () => 1) }, 400, 'labels'],
  ['a label that is null', labels, { labels: [{ requestId: 'a', label: null }] }, 400, 'labels[0].label'],
  ['a label without an id', labels, { labels: [{ label: 1 }] }, 400, 'labels[0].requestId'],
  [
    'a label of an unreadable time',
    labels,
    { labels: [{ requestId: 'a', label: 1, at: 'soon' }] },
    400,
    'labels[0].at',
  ],
  ['a label with another member', labels, { labels: [{ requestId: 'a', label: 1, who: 1 }] }, 400, 'labels[0].who'],
])('%s is the client’s fault and says where', async (_, path, sent, status, field) => {
  const answer = await post(path, sent);
  expect({ status: answer.status, body: answer.body }).toEqual({
    status,
    body: {
      code: 'INPUT_INVALID',
      message: expect.any(String),
      remedy: expect.any(String),
      ...(field === undefined ? {} : { field }),
      ...(path === infer ? { error: answer.body['message'] } : {}),
    },
  });
  expect([own.logged, own.labels]).toEqual([[], []]);
});

test.each([
  ['application/xml', {}],
  ['application/x-www-form-urlencoded', {}],
  ['application/json', { 'content-encoding': 'gzip' }],
])('%s with %p is no media type of this server', async (type, headers) => {
  const { status, body } = await post(predict, { record }, { 'content-type': type, ...headers });
  expect({ status, code: body['code'] }).toEqual({ status: 415, code: 'INPUT_INVALID' });
});

test.each<readonly [ErrorCode, number, Readonly<Record<string, unknown>>, Readonly<Record<string, string>>]>([
  ['UNAUTHENTICATED', 401, {}, { 'www-authenticate': 'Bearer realm="perdura"' }],
  ['FORBIDDEN', 403, {}, {}],
  ['RATE_LIMITED', 429, { retryAfterMs: 1_500 }, { 'retry-after': '2' }],
  ['OVERLOADED', 429, {}, { 'retry-after': '1' }],
  ['SERVICE_UNAVAILABLE', 503, {}, {}],
  ['MODEL_INVALID', 500, {}, {}],
  ['MODEL_INVALID', 503, { notInForce: true }, {}],
])('%s is answered %d with its headers', async (code, status, details, headers) => {
  own.refuse(new CodedError(code, 'Because.', { details }));
  for (const answer of [await post(infer, { inputs }), await post(predict, { record })]) {
    expect(answer).toMatchObject({ status, body: { code, message: 'Because.' }, headers });
  }
});

test('what fails without a code keeps its text to itself, and in the log of the process', async () => {
  const { error } = console;
  const reported: unknown[] = [];
  console.error = (reason) => void reported.push(reason);
  own.refuse(new Error('secret') as CodedError);
  const { status, body } = await post(infer, { inputs }).finally(() => void (console.error = error));
  expect({ status, told: JSON.stringify(body).includes('secret'), reported: String(reported) }).toEqual({
    status: 500,
    told: false,
    reported: expect.stringContaining('secret'),
  });
});

test.each(
  [
    '/v2/models/a%2Fb/infer',
    '/v2/models/..%2F..%2Fregistry/infer',
    '/v2/models/%00/infer',
    `/v2/models/${'n'.repeat(10_000)}/infer`,
    '/v2/models/flights/versions/9/infer',
    '/v2/models/flights/versions//infer',
    '/v2/models//infer',
    '/v2/models/flights/infer/',
    '/v2/models/flights/versions/1/2/infer',
    '/endpoints/../flights/predict',
    '/endpoints/..%2fflights/predict',
    '/endpoints//predict',
    '/endpoints/__proto__/predict',
    '/endpoints/a%2Fb/labels',
    '/nowhere',
  ].map((path) => [path.slice(0, 60), path] as const),
)('POST %s is 404', async (_, path) => {
  const body = path.endsWith('predict')
    ? { record }
    : path.endsWith('labels')
      ? { labels: [{ requestId: 'a', label: 1 }] }
      : { inputs };
  const { status, body: told } = await post(path, body);
  expect({ status, code: told['code'] }).toEqual({ status: 404, code: 'NOT_FOUND' });
});

test.each(
  (
    [
      ['/v2/models/a%2Fb', 404],
      ['/v2/models/%00', 404],
      ['/v2/models/%', 400],
      [`/v2/models/${'n'.repeat(5_000)}`, 404],
      ['/endpoints/..%2f', 404],
      ['/endpoints/flights/openapi.json/more', 404],
      ['/v2/models/flights/infer', 404],
    ] as const
  ).map(([path, status]) => [path.slice(0, 60), status, path] as const),
)('GET %s is %d', async (_, status, path) => {
  expect((await ask(own.port, path)).status).toBe(status);
});
