import { setTimeout as pause } from 'node:timers/promises';
import { answerOf } from '../../serving/answering/answer.ts';
import type { ModelServerProcess } from '../../serving/start-process.ts';
import { putTinyPackage, tinyClasses, tinySignatureOf } from '../support/tiny-model.ts';
import { flight, get, post, rowsInBucket, type Serving, setRoute, withServing } from './harness.ts';

const model = { bias: -0.5, distance: 0.3, hour: 0.02, origins: { SFO: 0.7 } };
const score = -0.5 + 0.3 * 1.2 + 0.02 * 17 + 0.7;
const weights = [Math.exp(score), 1, Math.exp(-score)];
const probabilities = weights.map((weight) => weight / weights.reduce((sum, each) => sum + each, 0));

let serving: Serving;
let server: ModelServerProcess;

beforeAll(async () => {
  serving = await withServing();
  for (const task of ['regression', 'multiclass'] as const) {
    const champion = await putTinyPackage(serving.store, { model: task, modelVersion: '1' }, { ...model, task });
    await setRoute(serving.store, task, { champion });
  }
  server = await serving.start();
}, 60_000);

afterAll(() => serving.close(), 60_000);

test('a regression answers with its prediction, which may lie outside 0 to 1', async () => {
  const { status, body } = await post(server.url, '/endpoints/regression/predict', {
    record: { ...flight, distance: 9e3 },
  });
  expect({ status, output: body['output'] }).toEqual({
    status: 200,
    output: { late: expect.closeTo(score + 0.3 * (9 - 1.2), 5) },
  });
});

test('a model of several classes answers with the likeliest by name and the probability of each', async () => {
  const { body } = await post(server.url, '/endpoints/multiclass/predict', { record: flight });
  const named = Object.fromEntries(tinyClasses.map((each, at) => [each, expect.closeTo(probabilities[at] ?? 0, 6)]));
  expect(body['output']).toEqual({ late: 'early', probabilities: named });
});

test('the log holds the prediction, and the place of the likeliest class', async () => {
  const last = { ...flight, origin: 'LAX', distance: -9e3 };
  await post(server.url, '/endpoints/multiclass/predict', { requestId: 'last-class', record: last });
  await post(server.url, '/endpoints/regression/predict', { requestId: 'a-number', record: flight });
  const logged = async (endpoint: string, requestId: string) => {
    for (const end = Date.now() + 15_000; Date.now() < end; await pause(50)) {
      const rows = await rowsInBucket(serving, `inference/${endpoint}/`);
      const row = rows.find((each) => each['requestId'] === requestId);
      if (row !== undefined) return row['output'];
    }
    throw new Error(`${requestId} is not in the bucket.`);
  };
  expect(await logged('multiclass', 'last-class')).toBe(2);
  expect(await logged('regression', 'a-number')).toBeCloseTo(score, 6);
}, 40_000);

test('the protocol v2 names the output and its width, and answers row by row', async () => {
  expect((await get(server.url, '/v2/models/multiclass')).body['outputs']).toEqual([
    { name: 'probabilities', datatype: 'FP32', shape: [-1, 3] },
  ]);
  const inputs = [
    { name: 'numbers', datatype: 'FP32', shape: [2, 2], data: [1.2, 17, 1.2, 17] },
    { name: 'categories', datatype: 'BYTES', shape: [2, 1], data: ['SFO', 'SFO'] },
  ];
  const { body } = await post(server.url, '/v2/models/multiclass/infer', { inputs });
  const data = [...probabilities, ...probabilities].map((each) => expect.closeTo(each, 6));
  expect(body['outputs']).toEqual([{ name: 'probabilities', datatype: 'FP32', shape: [2, 3], data }]);
  const refused = { inputs, outputs: [{ name: 'probability' }] };
  expect((await post(server.url, '/v2/models/regression/infer', refused)).body['message']).toContain("'prediction'");
});

test('of classes that are equally likely the first is named', () => {
  const answer = answerOf(tinySignatureOf('multiclass'), [0.4, 0.4, 0.2]);
  expect(answer).toMatchObject({ logged: 0, output: { late: 'early' } });
});

test('an answer of another width than the signature says is MODEL_INVALID', () => {
  expect(() => answerOf(tinySignatureOf('multiclass'), [0.5, 0.5])).toThrow(
    expect.objectContaining({ code: 'MODEL_INVALID' }),
  );
  expect(() => answerOf(tinySignatureOf('regression'), [])).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
});
