import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { type Aggregates, viewOf } from '../../domain/aggregate.ts';
import type { ModelServerProcess } from '../../serving/start-process.ts';
import { sha256Hex } from '../../stores/digest.ts';
import { openLmdbOnlineStore } from '../../stores/online/lmdb-online-store.ts';
import { writePackage } from '../../stores/packages.ts';
import { completeVersion, reserveVersion } from '../../stores/registry.ts';
import { moveBranch } from '../../stores/snapshots/history.ts';
import { sealSnapshot } from '../../stores/snapshots/manifest.ts';
import { post, segmentsLeft, type Serving, setRoute, until, withServing } from '../serving/harness.ts';
import { perdura } from '../support/cli.ts';
import { type TestS3, withTestS3 } from '../support/test-s3.ts';
import { tinyPackageFiles } from '../support/tiny-model.ts';
import { newVersion } from '../support/lineage.ts';
import { testKey } from '../support/test-key.ts';

const aggregates: Aggregates = {
  dataset: 'flights',
  time: 'date',
  gap: '1 hour',
  values: { delay: { function: 'mean', of: 'delay', by: ['origin'], over: '3 hours' } },
};
const features = `export const record = { date: 'timestamp', distance: 'number', origin: 'string' };
export const aggregates = ${JSON.stringify(aggregates)};
export const features = (row, past) => ({ distance: past.delay ?? -1, hour: new Date(row.date).getUTCHours(), origin: row.origin });
`;
const csv = `date,origin,delay
2001-03-03 00:00:00,LAX,0
2001-03-04 10:00:00,SFO,10
2001-03-04 11:00:00,SFO,30
2001-03-04 12:31:00,SFO,900
2001-03-05 00:00:00,LAX,0
`;
const record = { date: '2001-03-04T13:30:00', distance: 1200, origin: 'SFO' };

let test3: TestS3;
let serving: Serving;
let server: ModelServerProcess;
let folder: string;

beforeAll(async () => {
  test3 = await withTestS3();
  serving = await withServing(test3);
  folder = await mkdtemp(join(tmpdir(), 'perdura-features-project-'));
  await mkdir(join(folder, 'pipelines', 'flights'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"name":"project","type":"module"}');
  await writeFile(join(folder, 'pipelines/flights/pipeline.ts'), 'export async function flights() {}\n');
  await writeFile(
    join(folder, 'pipelines/flights/features.ts'),
    features.replace('(row, past)', '(row: any, past: any)'),
  );
  await mkdir(join(folder, 'pipelines', 'plain'), { recursive: true });
  await writeFile(join(folder, 'pipelines/plain/pipeline.ts'), 'export async function plain() {}\n');
  await writeFile(
    join(folder, 'pipelines/plain/features.ts'),
    `export const record = { n: 'number' };\nexport const features = (row: any) => row;\n`,
  );
  await writeFile(join(folder, 'flights.csv'), csv);
  await registerModel();
  await sealFlights();
  server = await serving.start();
}, 60_000);

afterAll(async () => {
  await serving.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function registerModel(): Promise<void> {
  const { store } = serving;
  const files = await tinyPackageFiles({ bias: 0 });
  await writeFile(files['features.mjs'], features);
  const reference = await writePackage(store, { model: 'flights', modelVersion: '1' }, files, await testKey());
  await rm(dirname(files['model.onnx']), { recursive: true });
  const version = await reserveVersion(store, 'flights', newVersion('test'));
  await completeVersion(store, 'flights', version.modelVersion, reference.packageDigest);
  await setRoute(store, 'flights', { champion: reference });
}

async function sealFlights(): Promise<void> {
  const { store } = serving;
  const bytes = new TextEncoder().encode(csv);
  const { s3VersionId } = await store.write('data/flights/flights.csv', bytes);
  const { digest } = await sealSnapshot(store, {
    dataset: 'flights',
    rows: 5,
    columns: [
      { name: 'date', type: 'timestamp', zoned: false },
      { name: 'origin', type: 'string' },
      { name: 'delay', type: 'integer' },
    ],
    deviations: [],
    dialect: null,
    files: [
      {
        key: 'data/flights/flights.csv',
        s3VersionId,
        sizeBytes: bytes.length,
        sha256: sha256Hex(bytes),
        rows: 5,
        format: 'csv',
      },
    ],
  });
  await moveBranch(store, {
    dataset: 'flights',
    branch: 'latest',
    to: digest,
    event: 'created',
    entryId: 'test',
    at: new Date().toISOString(),
    who: 'test',
    why: 'test',
    dataVersion: '1.0.0',
    reasons: [],
  });
}

async function run(...words: readonly string[]) {
  const { s3 } = test3;
  const environment = {
    PERDURA_HOME: serving.homeFolder,
    S3_ENDPOINT: s3.endpoint ?? '',
    AWS_ACCESS_KEY_ID: s3.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey ?? '',
    PERDURA_BUCKET: s3.bucket,
  };
  const { exitCode, stdout } = await perdura(['features', ...words, '--json'], { folder, environment });
  return { exitCode, answer: JSON.parse(stdout) as Record<string, unknown> };
}

async function predict(requestId: string): Promise<void> {
  const { status } = await post(server.url, '/endpoints/flights/predict', { requestId, record });
  expect(status).toBe(200);
  await until('the log is in the bucket', () => segmentsLeft(serving) === 0);
}

test('materialized from a file or from a snapshot, the model server and `get` know the same past, and `check` finds no skew', async () => {
  const written = { exitCode: 0, answer: { pipeline: 'flights', events: 5, newest: '2001-03-05T00:00:00.000Z' } };
  expect(await run('materialize', 'flights', '--files', 'flights.csv')).toMatchObject(written);
  expect(await run('materialize', 'flights')).toMatchObject(written);
  const given = await run('get', 'flights', '--record', JSON.stringify(record));
  // The flight of 12:31 is one minute too new to be known; those of 10:00 and 11:00 are within three hours of 12:30.
  expect(given).toMatchObject({ exitCode: 0, answer: { past: { delay: 20 }, features: { distance: 20, hour: 13 } } });
  await predict('right');
  const { exitCode, answer } = await run('check', 'flights', '--snapshot', 'flights@latest');
  expect({ exitCode, ...answer }).toMatchObject({ exitCode: 0, outcome: 'same', requests: 1, notCovered: 0 });
});

test('`check` ends with 1 and names feature and request when the online store had what the lake has not', async () => {
  const store = await openLmdbOnlineStore(join(serving.homeFolder, 'online'));
  const view = viewOf(aggregates, 'delay');
  await store.write([{ view, key: 'SFO', time: Date.parse('2001-03-04T12:00:00Z'), id: 'made up', value: 80 }]);
  await store.close();
  await predict('skewed');
  const { exitCode, answer } = await run('check', 'flights', '--snapshot', 'flights');
  expect({ exitCode, outcome: answer['outcome'] }).toEqual({ exitCode: 1, outcome: 'skew' });
  expect(answer['features']).toMatchObject([
    { feature: 'distance', compared: 2, different: 1, largestDifference: 20, requests: ['skewed'] },
    { feature: 'hour', different: 0 },
    { feature: 'origin', different: 0 },
  ]);
});

test.each([
  {
    words: ['check', 'flights', '--snapshot', 'flights', '--since', '2999-01-01T00:00:00Z'],
    code: 'NOT_FOUND',
    exitCode: 1,
  },
  { words: ['get', 'plain', '--record', '{"n":1}'], code: 'INPUT_INVALID', exitCode: 2 },
  { words: ['get', 'flights', '--record', '{'], code: 'INPUT_INVALID', exitCode: 2 },
  { words: ['materialize', 'flights', '--snapshot', 'ships@latest'], code: 'INPUT_INVALID', exitCode: 2 },
  { words: ['materialize', 'flights', '--files', 'gone.csv'], code: 'NOT_FOUND', exitCode: 1 },
])('features $words is $code', async ({ words, code, exitCode }) => {
  expect(await run(...words)).toMatchObject({ exitCode, answer: { error: { code } } });
});
