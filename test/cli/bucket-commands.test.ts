import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perdura } from '../support/cli.ts';
import { freshBucketName, testServices } from '../support/services.ts';

let folder = '';
let environment: Readonly<Record<string, string>> = {};
beforeAll(async () => {
  const { s3, temporal } = testServices();
  folder = await mkdtemp(join(tmpdir(), 'perdura-bucket-'));
  await writeFile(join(folder, 'a.csv'), 'date,n\n2026-01-01,1\n');
  environment = {
    TEMPORAL_ADDRESS: temporal.address,
    S3_ENDPOINT: s3.endpoint ?? '',
    AWS_ACCESS_KEY_ID: s3.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey ?? '',
    PERDURA_BUCKET: freshBucketName(),
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('data add makes the bucket and says what arrived; progress stays off stdout', async () => {
  const { exitCode, stdout, stderr } = await perdura(['data', 'add', 'shop', 'a.csv', '--json'], {
    folder,
    environment,
  });
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    dataset: 'shop',
    arrivals: [{ key: 'data/shop/a.csv', sizeBytes: 20, s3VersionId: expect.stringMatching(/./) }],
  });
  expect(stderr).toContain('a.csv');
});

test.each([
  ['runs', { runs: [] }],
  ['models', { models: [] }],
  ['routes', { routes: [] }],
])('%s of a fresh bucket is an empty list', async (command, expected) => {
  const { exitCode, stdout } = await perdura([command, '--json'], { folder, environment });
  expect({ exitCode, answer: JSON.parse(stdout) as unknown }).toEqual({ exitCode: 0, answer: expected });
});

test.each([['show nothing'], ['models nothing'], ['routes nothing'], ['audit replay nothing']])(
  "'%s' says where to look, exit 1",
  async (words) => {
    const { exitCode, stdout } = await perdura([...words.split(' '), '--json'], { folder, environment });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'NOT_FOUND', message: expect.stringMatching(/'nothing' not found.*perdura \w+/) },
    });
  },
);

test('a given bucket that does not exist is not made by looking into it', async () => {
  const missing = { ...environment, PERDURA_BUCKET: freshBucketName() };
  for (const command of ['runs', 'models']) {
    const { exitCode, stdout } = await perdura([command, '--json'], { folder, environment: missing });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'BUCKET_UNSUITABLE' } });
  }
});

test('a bucket that does not answer is an error of its own', async () => {
  const dead = { ...environment, S3_ENDPOINT: 'http://127.0.0.1:1' };
  const { exitCode, stdout } = await perdura(['runs', '--json'], { folder, environment: dead });
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'SERVICE_UNAVAILABLE' } });
});
