/* oxlint-disable jest/expect-expect, jest/no-standalone-expect -- expectations stand in expectError; a test that a machine may skip has a name of its own */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { readDataset } from '../../stores/datasets.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { listModels } from '../../stores/registry.ts';
import { listRuns } from '../../stores/runs.ts';
import { literal, openTables } from '../../stores/tables.ts';
import { perdura } from '../support/cli.ts';
import { removeFolders, temporaryFolder } from '../support/embedded.ts';
import { startTestS3 } from '../support/test-s3.ts';
import { addFlights, cutFlights } from './flights.ts';
import { openStage, type Stage } from './harness.ts';
import { writeFaultyProject } from './faulty-project.ts';

/*
 * The same errors below the command line: no room on the disk, ports, programs that are nowhere (test/services), damaged files of every
 * kind (test/activities/data, test/training), buckets that lack something (test/stores). Wrong usage, unknown pipelines with the nearest
 * name, and files that 'data add' refuses because they are missing, empty or damaged: test/cli/command-line.test.ts.
 */

const limit = 60_000;
const folder = temporaryFolder();
let stage: Stage;
let given: Readonly<Record<string, string>> = {};

beforeAll(async () => {
  stage = await openStage(writeFaultyProject);
  given = {
    TEMPORAL_ADDRESS: stage.addresses.temporal.address,
    PERDURA_HOME: stage.homeFolder,
    ...s3Settings(stage.addresses.s3),
  };
  await addFlights(stage, await cutFlights(folder, 1, 5_000));
  for (const [name, columns] of [
    ['no-origin', 'date, delay, distance, destination'],
    ['no-delay', 'date, distance, origin, destination'],
  ] as const)
    await addFlights(stage, await copyOf(name, columns));
}, limit);

afterAll(async () => {
  await stage?.close();
  await removeFolders();
}, limit);

function s3Settings(s3: Stage['addresses']['s3']): Readonly<Record<string, string>> {
  return {
    S3_ENDPOINT: s3.endpoint ?? '',
    AWS_ACCESS_KEY_ID: s3.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey ?? '',
    PERDURA_BUCKET: s3.bucket,
  };
}

/** A file of the January flights with these columns, or with these rows. */
async function copyOf(name: string, columns: string, rest = ''): Promise<string> {
  const file = join(folder, `${name}.parquet`);
  const tables = await openTables();
  try {
    const source = literal(join(folder, 'flights-2001-01.parquet'));
    await tables.all(`COPY (SELECT ${columns} FROM read_parquet(${source}) ${rest}) TO ${literal(file)}`);
    return file;
  } finally {
    tables.close();
  }
}

type Expected = {
  readonly code: string;
  /** Words of the message: what, which and what next. */
  readonly says: readonly (string | RegExp)[];
  readonly environment?: Readonly<Record<string, string>>;
};

/** One error, the same for a person and for a program, and no stack. Gives the stack that `--verbose` adds, where there is one. */
async function expectError(words: readonly string[], { code, says, environment = given }: Expected): Promise<void> {
  const at = { folder: stage.projectFolder, environment };
  const [json, plain] = await Promise.all([perdura([...withId(words), '--json'], at), perdura(withId(words), at)]);
  expect(json.exitCode).toBe(1);
  const { error } = JSON.parse(json.stdout) as { readonly error: Readonly<Record<string, unknown>> };
  expect(error).toMatchObject({ code, message: expect.any(String), remedy: expect.stringMatching(/\w+.*\.$/) });
  for (const word of says) expect(error['message']).toMatch(word);
  expect({ exitCode: plain.exitCode, stdout: plain.stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(plain.stderr.split('\n').filter((line) => line.startsWith(`${code} `))).toHaveLength(1);
  expect(plain.stderr.split('\n').filter((line) => line.startsWith('→ '))).toEqual([`→ ${String(error['remedy'])}`]);
  expect(plain.stderr + json.stderr).not.toMatch(/\n\s+at /);
}

const run = (pipeline: string, ...parameters: readonly string[]) => [
  'run',
  pipeline,
  ...parameters.flatMap((parameter) => ['--param', parameter]),
];

/** Runs that start in one second would have one id. */
const withId = (words: readonly string[]) => (words[0] === 'run' ? [...words, '--id', `trial/${randomUUID()}`] : words);

describe('data', () => {
  test(
    'a Parquet file without rows is refused',
    async () => {
      const file = await copyOf('no-rows', '*', 'LIMIT 0');
      await expectError(['data', 'add', 'flights', file], {
        code: 'DATA_UNREADABLE',
        says: [file, 'holds no rows', 'Write it again'],
      });
    },
    limit,
  );

  test(
    'of a whole and a damaged file neither arrives',
    async () => {
      const [whole, damaged] = [await copyOf('whole', '*'), join(folder, 'damaged.parquet')];
      await writeFile(damaged, (await readFile(whole)).subarray(0, 9_000));
      await expectError(['data', 'add', 'both', whole, damaged], { code: 'DATA_UNREADABLE', says: [damaged] });
      await expect(readDataset(stage.store, 'both')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(stage.store.head('data/both/whole.parquet')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    },
    limit,
  );

  test.each([
    [
      'at the gate',
      run('gated', 'data=no-origin.parquet'),
      'EXPECTATIONS_VIOLATED',
      ['SCHEMA_MISSING_COLUMN', 'origin'],
    ],
    ['of the features', run('loose', 'data=no-origin.parquet'), 'INPUT_INVALID', ['origin', 'features.ts']],
    ['of the target', run('loose', 'data=no-delay.parquet'), 'INPUT_INVALID', ['delay', 'target']],
  ])('a missing column %s is named', (_, words, code, says) => expectError(words, { code, says }), limit);
});

describe('parameters', () => {
  test.each([
    ['is missing', run('gated'), 'INPUT_INVALID', ['asked from nothing', '--param data=newest']],
    ['is misspelt', run('gated', 'dta=newest'), 'INPUT_INVALID', ['asked from nothing', '--param data=newest']],
    ['has another type', run('gated', 'data=7'), 'INPUT_INVALID', ['asked from 7', '--param data=newest']],
    ['names what is not there', run('gated', 'data=gone.parquet'), 'NOT_FOUND', ["'gone.parquet'", 'perdura data add']],
    ['is out of range', run('loose', 'data=newest', 'holdout=2'), 'INPUT_INVALID', ['2 is not a share', '(0, 1)']],
    ['is no column of times', run('loose', 'data=newest', 'by=origin'), 'INPUT_INVALID', ["'origin'", 'timestamp']],
    ['is no SQL', run('loose', 'data=flights-2001-01.parquet', 'sql=delay >'), 'INPUT_INVALID', ['Parser', 'target']],
    [
      'leads elsewhere',
      run('loose', 'data=flights-2001-01.parquet', 'model=../x'),
      'INPUT_INVALID',
      ['"../x"', 'model'],
    ],
    [
      'is no duration',
      run('throwing', 'kind=duration'),
      'INPUT_INVALID',
      ["'5 mins' is not a duration", "'30 minutes'"],
    ],
  ])('one that %s is one error, at once', (_, words, code, says) => expectError(words, { code, says }), limit);
});

describe('code', () => {
  test.each([
    ['an error', 'error', 'said no'],
    ['what is no error', 'text', 'said no'],
    ['by a fault', 'fault', /Cannot read properties of undefined/],
  ])('a pipeline that throws %s fails once, with its own words', async (_, kind, words) => {
    await expectError(run('throwing', `kind=${kind}`), {
      code: 'PIPELINE_FAILED',
      says: ["Pipeline 'throwing' threw", words],
    });
  });

  test('--verbose shows where a pipeline threw', async () => {
    const words = [...run('throwing'), '--verbose'];
    const { stderr } = await perdura(withId(words), { folder: stage.projectFolder, environment: given });
    expect(stderr).toMatch(/\n\s+at throwing \(.*pipelines\/throwing\/pipeline\.ts:\d+/);
  });

  test('features that throw are named with the record, and no version is left', async () => {
    await expectError(run('loose', 'data=flights-2001-01.parquet', 'features=loose'), {
      code: 'FEATURES_INVALID',
      says: ["threw 'not this airport'", '"origin":"ORD"', 'features.ts'],
    });
    expect(await listModels(stage.store)).toEqual([]);
  });
});

describe('services', () => {
  test(
    'a port that another program has is named with its setting',
    async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const port = String(typeof address === 'object' ? address?.port : '');
      const home = join(folder, 'port');
      const says = [`Port ${port}`, 'PERDURA_S3_PORT'];
      await expectError(['runs'], {
        code: 'PORT_IN_USE',
        says,
        environment: { PERDURA_HOME: home, PERDURA_S3_PORT: port },
      });
      await expectError(['serve', '--port', port], { code: 'PORT_IN_USE', says: [port] });
      server.close();
    },
    limit,
  );

  const disk = join(folder, 'disk');
  spawnSync('mkdir', [disk]);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk], { stdio: 'ignore' }).status === 0;
  afterAll(() => {
    if (mounted) spawnSync('umount', [disk]);
  });
  (mounted ? test : test.skip)(
    'no room for .perdura is told before anything is written (needs the right to mount)',
    async () => {
      const home = join(disk, '.perdura');
      const says = [home, /\d MiB are free and \d+ MiB needed/, 'PERDURA_HOME'];
      await expectError(['runs'], { code: 'DISK_FULL', says, environment: { PERDURA_HOME: home } });
      expect(await readdir(disk)).toEqual([]);
    },
  );

  test(
    'where no server program is, none can be downloaded and none built, every way is told, and the cache stays empty',
    async () => {
      const [cache, path] = [join(folder, 'cache'), join(folder, 'no-programs')];
      await mkdir(path);
      // A network that is closed, at the edge of the process.
      const closed = "globalThis.fetch = () => Promise.reject(new TypeError('fetch failed'));";
      const environment = {
        PATH: path,
        GOPROXY: 'off',
        PERDURA_HOME: join(folder, 'home'),
        PERDURA_CACHE: cache,
        PERDURA_TEMPORAL_BINARY: '',
        PERDURA_S3_BINARY: '',
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(closed)}`,
      };
      const says = ['PATH:', 'cache folder:', 'release download:', 'go install:', 'Do one of these:', 'S3_ENDPOINT'];
      await expectError(['runs'], { code: 'SERVICE_UNOBTAINABLE', says, environment });
      expect(await readdir(join(cache, 'versitygw'))).toEqual([]);
    },
    limit,
  );

  test(
    'an S3 without versions is told, and nothing but its probe is written into it',
    async () => {
      const { s3, stop } = await startTestS3({ versioning: false });
      const store = createS3ObjectStore(s3);
      try {
        const environment = { ...given, ...s3Settings(s3) };
        const words = ['data', 'add', 'flights', join(folder, 'flights-2001-01.parquet')];
        await expectError(words, { code: 'BUCKET_UNSUITABLE', says: [s3.bucket, 'versioning'], environment });
        const keys: string[] = [];
        for await (const { key } of store.list('')) if (!key.startsWith('probes/')) keys.push(key);
        expect(keys).toEqual([]);
      } finally {
        store.close();
        await stop();
      }
    },
    limit,
  );
});

test('each run that failed is recorded as failed, with its code, and none is left open', async () => {
  const runs = await listRuns(stage.store);
  expect(runs.length).toBeGreaterThan(20);
  const odd = runs.filter(({ outcome }) => outcome?.status !== 'failed' || outcome.error === null);
  expect(odd.map(({ start }) => start.workflowId)).toEqual([]);
});
