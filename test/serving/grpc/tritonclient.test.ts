import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { pythonWith } from '../../support/python.ts';
import { putTinyPackage } from '../../support/tiny-model.ts';
import { rowsInBucket, type Serving, setRoute, until, withServing } from '../harness.ts';

/** tritonclient 2.73.0 from PyPI speaks to a whole model server; values by hand: sigmoid(0.3 · distance + 0.02 · hour + bias + 0.7 for SFO). */
type Told = {
  readonly values: readonly number[];
  readonly shape: readonly number[];
  readonly id: string | undefined;
  readonly model: string;
  readonly version: string;
  readonly parameters: Readonly<Record<string, unknown>>;
};
type Refusal = { readonly status: string; readonly message: string };
type Conversation = Readonly<
  Record<'FP32' | 'FP64' | 'FP16' | 'BF16' | 'INT32' | 'byFeature' | 'version' | 'output' | 'subject' | 'arm', Told> &
    Record<'noEndpoint' | 'noVersion' | 'noOutput' | 'missing', Refusal> & {
      metadata: Readonly<Record<string, unknown>>;
    }
>;
type Printed = {
  readonly http: Conversation;
  readonly grpc: Conversation;
  readonly httpJson: Told;
  readonly httpJsonByFeature: Told;
};

const run = promisify(execFile);
const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));
const [championBias, challengerBias] = [-0.5, 0.5];

let serving: Serving;
let printed: Printed;
let digest: string;

beforeAll(async () => {
  const python = await pythonWith(file('../../support/requirements/tritonclient.txt'));
  serving = await withServing();
  const put = (modelVersion: string, bias: number) =>
    putTinyPackage(
      serving.store,
      { model: 'delays', modelVersion },
      { bias, distance: 0.3, hour: 0.02, origins: { SFO: 0.7 } },
    );
  const [champion, version] = [await put('1', championBias), await put('2', challengerBias)];
  digest = champion.packageDigest;
  await setRoute(serving.store, 'flights', { champion, challenger: { version, weight: 0 } });
  const server = await serving.start();
  const { stdout } = await run(
    python,
    [file('triton_clients.py'), new URL(server.url).host, server.grpcUrl, 'flights'],
    {
      timeout: 60_000,
    },
  );
  printed = JSON.parse(stdout) as Printed;
}, 300_000);

afterAll(() => serving.close(), 60_000);

function values(
  bias: number,
  [first, second]: readonly [readonly [number, number], readonly [number, number]],
): unknown {
  const logits = [0.3 * first[0] + 0.02 * first[1] + 0.7 + bias, 0.3 * second[0] + 0.02 * second[1] + bias];
  return logits.map((logit) => expect.closeTo(sigmoid(logit), 6));
}
const rows = [
  [1.5, 17],
  [0.5, 3],
] as const;
const wholeRows = [
  [1, 17],
  [0, 3],
] as const;
const featureRows = [
  [2, 17],
  [1, 3],
] as const;

describe.each(['http', 'grpc'] as const)('over %s', (protocol) => {
  test('a server and a model describe themselves', () => {
    expect(printed[protocol].metadata).toEqual({
      live: true,
      ready: true,
      server: 'perdura',
      extensions: expect.arrayContaining(['binary_tensor_data']),
      modelReady: true,
      versionReady: true,
      otherReady: false,
      versions: ['1', '2'],
      platform: 'onnx',
      inputs: [
        ['numbers', 'FP32', [-1, 2]],
        ['categories', 'BYTES', [-1, 1]],
      ],
      outputs: [['probability', 'FP32', [-1, 1]]],
    });
  });

  test('an answer says who gave it, and repeats the id', () => {
    const { parameters, ...told } = printed[protocol].FP32;
    expect(told).toEqual({
      values: values(championBias, rows),
      shape: [2, 1],
      id: 'triton-1',
      model: 'flights',
      version: '1',
    });
    expect({ ...parameters, epoch: Number(parameters['epoch']) }).toMatchObject({
      arm: 'champion',
      model_version: '1',
      package_digest: digest,
      epoch: 1,
    });
  });

  test.each(['FP64', 'FP16', 'BF16', 'output', 'subject'] as const)('%s is answered', (what) => {
    expect(printed[protocol][what].values).toEqual(values(championBias, rows));
  });

  test('whole numbers are answered', () => {
    expect(printed[protocol].INT32.values).toEqual(values(championBias, wholeRows));
  });

  test('features by their names are answered', () => {
    expect(printed[protocol].byFeature.values).toEqual(values(championBias, featureRows));
  });

  test.each(['version', 'arm'] as const)('the client’s choice of the %s is met', (what) => {
    const { values: answered, version, parameters } = printed[protocol][what];
    expect([answered, version, parameters['arm']]).toEqual([values(challengerBias, rows), '2', 'direct']);
  });

  test('refusals name what is wrong', () => {
    const { noEndpoint, noVersion, noOutput, missing } = printed[protocol];
    const codes =
      protocol === 'http'
        ? ['404', '404', '400', '400']
        : ['NOT_FOUND', 'NOT_FOUND', 'INVALID_ARGUMENT', 'INVALID_ARGUMENT'];
    const asked = [noEndpoint, noVersion, noOutput, missing];
    expect(asked.map(({ status }) => status.replace('StatusCode.', ''))).toEqual(codes);
    expect(asked.map(({ message }) => message)).toEqual(
      ['boats', "'9'", 'logit', 'categories'].map((name) => expect.stringContaining(name)),
    );
  });
});

test('JSON tensors over http are answered', () => {
  expect(printed.httpJson).toMatchObject({ id: 'triton-json', values: values(championBias, rows) });
  expect(printed.httpJsonByFeature.values).toEqual(values(championBias, featureRows));
});

test('all of it is in the log, by id, with its subject', async () => {
  const logged = async () => rowsInBucket(serving, 'inference/flights/');
  const wanted = ['triton-1', 'triton-1', 'triton-json', 'triton-subject', 'triton-subject'].flatMap((id) => [
    `${id}/0`,
    `${id}/1`,
  ]);
  let ids: string[] = [];
  await until('all ids are in the bucket', async () => {
    ids = (await logged()).map((row) => String(row['requestId'])).filter((id) => id.startsWith('triton-'));
    return ids.length >= wanted.length;
  });
  expect(ids.toSorted()).toEqual(wanted.toSorted());
  const subjects = (await logged())
    .filter((row) => String(row['requestId']).startsWith('triton-subject'))
    .map((row) => row['subject']);
  expect(subjects).toEqual(['ada', 'ada', 'ada', 'ada']);
});
