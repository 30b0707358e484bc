import { ask, httpParts, type HttpParts, type Reply } from './http-parts.ts';

const inputs = [
  { name: 'numbers', datatype: 'FP32', shape: [1, 2], data: [1.2, 17] },
  { name: 'categories', datatype: 'BYTES', shape: [1, 1], data: ['SFO'] },
];
const record = { date: '2001-03-04T17:30:00', distance: 1200, origin: 'SFO' };
const infer = '/v2/models/flights/infer';
const predict = '/endpoints/flights/predict';
const labels = '/endpoints/flights/labels';
/** sigmoid(0.3 · 1.2 + 0.02 · 17 - 0.5 + 0.7) */
const expected = expect.closeTo(1 / (1 + Math.exp(-0.9)), 6);

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

test('every answer names its arm, version, package and epoch, and the id that it is logged under', async () => {
  const { status, body } = await post(infer, { id: 'r-1', inputs });
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      model_name: 'flights',
      model_version: '1',
      id: 'r-1',
      parameters: { arm: 'champion', model_version: '1', package_digest: '1'.repeat(64), epoch: 7 },
      outputs: [{ name: 'probability', datatype: 'FP32', shape: [1, 1], data: [expected] }],
    },
  });
  const { body: unnamed } = await post(infer, { id: '', inputs });
  expect([own.logged[0]?.requestId, own.logged[1]?.requestId]).toEqual(['r-1', unnamed['id']]);
});

test('the subject stands in the body or in a header, the body first', async () => {
  const header = { 'x-perdura-subject': 'from-header' };
  await post(infer, { inputs, parameters: { subject: 'from-body' } }, header);
  await post(infer, { inputs }, header);
  await post(predict, { record }, header);
  await post(predict, { record, subject: 'from-body' }, header);
  expect(own.logged.map(({ subject }) => subject)).toEqual(['from-body', 'from-header', 'from-header', 'from-body']);
});

test('a tester chooses the arm by a header, which is no evidence', async () => {
  const { body } = await post(predict, { record }, { 'x-perdura-arm': 'challenger' });
  expect([body['arm'], body['modelVersion'], own.logged[0]?.arm]).toEqual(['direct', '2', 'direct']);
  const { body: tensors } = await post(infer, { inputs }, { 'x-perdura-arm': 'challenger' });
  expect(tensors['model_version']).toBe('2');
  expect((await post(infer, { inputs }, { 'x-perdura-arm': 'shadow' })).status).toBe(400);
});

test('several records are answered together, each under an id of its own', async () => {
  const { status, body } = await post(predict, { requestId: 'all', records: [record, { ...record, origin: 'LAX' }] });
  expect({ status, answers: body['answers'] }).toEqual({
    status: 200,
    answers: [
      { requestId: 'all/0', output: { late: expected } },
      { requestId: 'all/1', output: { late: expect.closeTo(1 / (1 + Math.exp(-0.2)), 6) } },
    ],
  });
  expect(own.logged.map(({ requestId }) => requestId)).toEqual(['all/0', 'all/1']);
  const { body: single } = await post(predict, { requestId: 'one', records: [record] });
  expect(single['answers']).toEqual([{ requestId: 'one', output: { late: expected } }]);
});

test('credentials go to admission as they came', async () => {
  await post(infer, { inputs }, { authorization: 'Bearer abc', 'x-api-key': 'k' });
  await post(predict, { record });
  expect(own.credentials).toEqual([
    { authorization: 'Bearer abc', apiKey: 'k' },
    { authorization: null, apiKey: null },
  ]);
});

describe('tensors in binary', () => {
  /** FP64 1.2 and 17; BYTES 'SFO' after its length. */
  const numbers = Buffer.from(new Uint8Array(Float64Array.of(1.2, 17).buffer));
  const text = Buffer.from('\x03\0\0\0SFO', 'latin1');
  const raws = [
    { name: 'numbers', datatype: 'FP64', shape: [1, 2], parameters: { binary_data_size: numbers.length } },
    { name: 'categories', datatype: 'BYTES', shape: [1, 1], parameters: { binary_data_size: text.length } },
  ];
  const send = (json: unknown, data: readonly Buffer[], headers: Readonly<Record<string, string>> = {}) => {
    const header = Buffer.from(JSON.stringify(json));
    const body = Buffer.concat([header, ...data]);
    const length = { 'inference-header-content-length': String(header.length) };
    return post(infer, body, { 'content-type': 'application/octet-stream', ...length, ...headers });
  };

  test('come after the JSON, in the order of the inputs, beside tensors in JSON', async () => {
    expect((await send({ inputs: raws }, [numbers, text])).body['outputs']).toMatchObject([{ data: [expected] }]);
    const mixed = await send({ inputs: [inputs[1], raws[0]] }, [numbers]);
    expect(mixed.body['outputs']).toMatchObject([{ data: [expected] }]);
  });

  test.each([
    ['of all outputs', { parameters: { binary_data_output: true } }],
    ['of one output', { outputs: [{ name: 'probability', parameters: { binary_data: true } }] }],
  ])('are answered where the request asks for those %s', async (_, wish) => {
    const { headers, bytes } = await post(infer, { inputs, ...wish });
    const length = Number(headers['inference-header-content-length']);
    const json = JSON.parse(bytes.subarray(0, length).toString()) as { readonly outputs: readonly unknown[] };
    expect(json.outputs).toEqual([
      { name: 'probability', datatype: 'FP32', shape: [1, 1], parameters: { binary_data_size: 4 } },
    ]);
    expect(headers['content-type']).toBe('application/octet-stream');
    expect([bytes.length - length, bytes.readFloatLE(length)]).toEqual([4, expected]);
  });

  test('an output may be asked for in JSON where the others are binary', async () => {
    const outputs = [{ name: 'probability', parameters: { binary_data: false } }];
    const { body } = await post(infer, { inputs, outputs, parameters: { binary_data_output: true } });
    expect(body['outputs']).toMatchObject([{ data: [expected] }]);
  });

  test.each<readonly [string, () => Promise<Reply>, string]>([
    ['fewer bytes than named', () => send({ inputs: raws }, [numbers]), 'inputs[1].parameters.binary_data_size'],
    ['more bytes than named', () => send({ inputs: raws }, [numbers, text, text]), 'inputs'],
    ['no length of the JSON', () => post(infer, { inputs: raws }), 'inputs[0].parameters.binary_data_size'],
    [
      'a length beyond the body',
      () => send({ inputs }, [], { 'inference-header-content-length': '9999' }),
      'inference-header-content-length',
    ],
    [
      'a length that is no number',
      () => send({ inputs }, [], { 'inference-header-content-length': '-1' }),
      'inference-header-content-length',
    ],
    ['a length of 0', () => send({ inputs }, [], { 'inference-header-content-length': '0' }), 'body'],
    ['data twice', () => send({ inputs: [{ ...raws[0], data: [1, 2] }] }, [numbers]), 'inputs[0]'],
  ])('with %s are refused', async (_, ask, field) => {
    const { status, body } = await ask();
    expect({ status, field: body['field'] }).toEqual({ status: 400, field });
  });
});

test('64-bit integers keep all digits of their JSON', async () => {
  const text = (datatype: string, value: string) =>
    JSON.stringify({ inputs: [{ ...inputs[0], datatype, data: [0, 17] }, inputs[1]], id: '9007199791611905' }).replace(
      '[0,17]',
      `[${value},17]`,
    );
  const feature = async (value: string): Promise<unknown> => {
    const { status, body } = await post(infer, text('INT64', value));
    expect({ status, id: body['id'] }).toEqual({ status: 200, id: '9007199791611905' });
    return own.logged.at(-1)?.features['distance'];
  };
  // numpy 2.4.6: int64(9007199791611905).astype(float32); as a double the last digit is lost, and with it the direction.
  expect(await feature('9007199791611905')).toBe(9007200328482816);
  expect(await feature('9007199791611904')).toBe(9007199254740992);
  const { status, body } = await post(infer, text('UINT64', '18446744073709551616'));
  expect({ status, field: body['field'] }).toEqual({ status: 400, field: 'numbers' });
});

test('each finished request is counted once, a name that no endpoint has without that name', async () => {
  await post(infer, { inputs });
  await post(predict, { record: null });
  await post('/v2/models/unknown/infer', { inputs });
  await post(labels, { labels: [{ requestId: 'a', label: 1 }] });
  const seconds = expect.any(Number);
  expect(own.counted).toEqual([
    { endpoint: 'flights', arm: 'champion', protocol: 'rest', status: 200, seconds },
    { endpoint: 'flights', arm: 'none', protocol: 'rows', status: 400, seconds },
    { endpoint: null, arm: 'none', protocol: 'rest', status: 404, seconds },
  ]);
});

test('a server that does not take requests any more says so, and that it lives', async () => {
  own.setOpen(false);
  expect(await ask(own.port, '/v2/health/ready')).toMatchObject({ status: 503, body: { ready: false } });
  expect(await ask(own.port, '/v2/health/live')).toMatchObject({ status: 200, body: { live: true } });
});
