import { rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { ModelReference } from '../../domain/model-package.ts';
import { chooseArm, type Weighted } from '../../serving/answering/arm.ts';
import type { ModelServerProcess } from '../../serving/start-process.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { writePackage } from '../../stores/packages.ts';
import { putTinyPackage, tinyPackageFiles, tinySignature } from '../support/tiny-model.ts';
import {
  flight,
  get,
  post,
  rowsInBucket,
  segmentsLeft,
  type Serving,
  setRoute,
  until,
  withServing,
} from './harness.ts';
import { testKey } from '../support/test-key.ts';

const arms: Weighted = [
  { name: 'champion', weight: 50 },
  { name: 'challenger', weight: 50 },
];

let serving: Serving;
let server: ModelServerProcess;

beforeAll(async () => {
  serving = await withServing();
  const { store } = serving;
  const champion = await putTinyPackage(store, { model: 'flights', modelVersion: '1' }, { bias: -1 });
  const version = await putDemandingPackage(store);
  await setRoute(store, 'canary', { champion, challenger: { version, weight: 50 } });
  server = await serving.start();
}, 60_000);

afterAll(() => serving.close(), 60_000);

/** Version 2: its features.ts asks for a field more than version 1. */
async function putDemandingPackage(store: ObjectStore): Promise<ModelReference> {
  const files = await tinyPackageFiles({ bias: 1 });
  const record = { ...tinySignature.record, carrier: 'string' };
  const features = `export const record = ${JSON.stringify(record)};
export const features = (row) => ({ distance: row.distance, hour: 0, origin: row.origin + row.carrier });
`;
  await writeFile(files['features.mjs'], features);
  await writeFile(files['signature.json'], JSON.stringify({ ...tinySignature, record }));
  const reference = await writePackage(store, { model: 'flights', modelVersion: '2' }, files, await testKey());
  await rm(dirname(files['model.onnx']), { recursive: true });
  return reference;
}

function subjectOf(arm: 'champion' | 'challenger'): string {
  for (let next = 0; ; next += 1) if (chooseArm('canary', `tail-${next}`, arms).name === arm) return `tail-${next}`;
}

const predict = (requestId: string, arm: 'champion' | 'challenger', record: unknown) =>
  post(server.url, '/endpoints/canary/predict', { requestId, subject: subjectOf(arm), record });

async function rowsOf(requestId: string) {
  await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
  return (await rowsInBucket(serving, 'inference/canary/')).filter((row) => row['requestId'] === requestId);
}

test('a record that one arm refuses and another takes is the failure of the refusing model, answered 500 and logged', async () => {
  const before = await get(server.url, '/endpoints/canary');
  const { status, body } = await predict('refused', 'challenger', flight);
  expect({ status, code: body['code'], field: body['field'] }).toEqual({
    status: 500,
    code: 'MODEL_INVALID',
    field: 'carrier',
  });
  expect((await get(server.url, '/endpoints/canary')).body['failed']).toBe(Number(before.body['failed']) + 1);
  expect(await rowsOf('refused')).toEqual([
    expect.objectContaining({
      arm: 'challenger',
      modelVersion: '2',
      status: 500,
      output: null,
      error: expect.stringMatching(/^MODEL_INVALID: .*Field 'carrier' must be a string, got nothing/),
      record: JSON.stringify(flight),
    }),
  ]);
});

test('the same record on the share of the arm that takes it is answered', async () => {
  const { status, body } = await predict('taken', 'champion', flight);
  expect({ status, arm: body['arm'] }).toEqual({ status: 200, arm: 'champion' });
});

test('a record that every arm refuses is the client’s fault, whatever the arm, and is not logged', async () => {
  const before = await get(server.url, '/endpoints/canary');
  for (const arm of ['champion', 'challenger'] as const) {
    const { status, body } = await predict(`bad-${arm}`, arm, { ...flight, distance: null });
    expect({ status, code: body['code'], field: body['field'] }).toEqual({
      status: 400,
      code: 'INPUT_INVALID',
      field: 'distance',
    });
    expect(await rowsOf(`bad-${arm}`)).toEqual([]);
  }
  expect((await get(server.url, '/endpoints/canary')).body['failed']).toBe(before.body['failed']);
});
