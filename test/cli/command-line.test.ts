import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { perdura } from '../support/cli.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-cli-'));
  await writeFile(join(folder, 'package.json'), '{ "name": "shop" }');
  await mkdir(join(folder, 'pipelines/flights'), { recursive: true });
  await writeFile(join(folder, 'pipelines/flights/pipeline.ts'), 'export async function flights() {}');
  await writeFile(
    join(folder, 'pipelines/flights/parameters.ts'),
    'export const parameters: Record<string, string> = { data: "Which data." };',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const commands = [
  'dev',
  'run',
  'runs',
  'show',
  'models',
  'models rollback',
  'models verify',
  'models rebuild',
  'routes',
  'audit',
  'audit replay',
  'serve',
  'worker',
  'data',
  'data add',
  'data check',
  'data infer',
  'snapshot',
  'snapshot create',
  'snapshot show',
  'snapshot log',
  'snapshot diff',
  'snapshot verify',
  'snapshot tag',
  'snapshot rollback',
  'snapshot branch',
  'snapshot merge',
  'features',
  'features materialize',
  'features get',
  'features check',
  'doctor',
  'init',
];

test('every command has help with its usage and an example', async () => {
  const shown = await Promise.all(
    ['', ...commands].map((words) => perdura([...words.split(' ').filter(Boolean), '--help'], { folder })),
  );
  for (const { exitCode, stdout, stderr } of shown) {
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: perdura/);
    expect(stdout).toMatch(/Example:\n {2}\$ perdura \w+/);
  }
});

/** Writes the URL or path of every module that is loaded, ES module or CommonJS, into the file that LOADED names. */
const recorder = `
import { appendFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
register('./hook.mjs', import.meta.url);
const { cache } = createRequire(import.meta.url);
process.on('exit', () => appendFileSync(process.env.LOADED, Object.keys(cache).join('\\n')));
`;
const hook = `
import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync(process.env.LOADED, url + '\\n');
  return next(url, context);
}
`;

async function loadedBy(words: readonly string[]): Promise<string> {
  const file = join(folder, 'loaded.txt');
  await writeFile(file, '');
  await writeFile(join(folder, 'recorder.mjs'), recorder);
  await writeFile(join(folder, 'hook.mjs'), hook);
  const environment = { LOADED: file, NODE_OPTIONS: `--import=${pathToFileURL(join(folder, 'recorder.mjs')).href}` };
  await perdura(words, { folder, environment });
  return readFile(file, 'utf8');
}

const heavy =
  /node_modules\/(?:@temporalio|@duckdb|@aws-sdk|@tensorflow|onnxruntime-node|rolldown|zod|listr2|fastify)\//;

test.each([['--help'], ['run --help'], ['snapshot diff --help'], ['--version'], ['rnu'], ['run --jsno']])(
  "'perdura %s' loads no heavy package",
  async (words) => {
    const loaded = await loadedBy(words.split(' '));
    expect(loaded).toContain('node_modules/commander');
    expect(loaded).not.toMatch(heavy);
  },
);

test('the check above sees what a command does load', async () => {
  expect(await loadedBy(['run', 'flihgts'])).toMatch(heavy);
});

test.each([
  [['rnu'], "unknown command 'rnu'. Did you mean run?"],
  [['run', 'flights', '--jsno'], "unknown option '--jsno'. Did you mean --json?"],
  [['audit', 'repaly', 'x'], "unknown command 'repaly'. Did you mean replay?"],
  [['run'], "missing required argument 'pipeline'"],
  [['snapshot', 'crate', 'x'], "unknown command 'crate'. Did you mean create?"],
  [['data', 'check', 'x.csv'], "required option '--schema <file>' not specified"],
  [['runs', '--limit', 'many'], 'Write a whole number from 1'],
  [['run', 'fligths'], "has no pipeline 'fligths'. Did you mean 'flights'?"],
  [['run', 'flights', '--input', '{x'], '--input is not a JSON object'],
  [
    ['run', 'flights', '--param', 'dta=old.csv'],
    "no parameter 'dta'. Did you mean 'data'? It takes:\n  data  Which data.",
  ],
  [['run', 'flights', '--input', '{"data":"newest","epochs":3}'], "has no parameter 'epochs'. It takes:"],
  [['worker', '--queues', 'dtaa'], "'dtaa' is not a queue. Did you mean 'data'?"],
])('%j is wrong usage: exit 2, one clear error, nothing on stdout', async (words, message) => {
  const { exitCode, stdout, stderr } = await perdura(words, { folder });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).not.toMatch(/\n\s+at /);
});

test('no command at all: help on stderr, exit 2', async () => {
  const { exitCode, stdout, stderr } = await perdura([], { folder });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(/^Usage: perdura/);
});

test.each([
  [['--help', '--json'], 'help'],
  [['--version', '--json'], 'version'],
  [['rnu', '--json'], 'error'],
  [['--json'], 'error'],
  [['run', 'fligths', '--json'], 'error'],
  [['--json', 'data', 'add', 'shop', 'missing.parquet'], 'error'],
])('%j prints one JSON document with the field %s', async (words, field) => {
  const { stdout } = await perdura(words, { folder });
  expect(Object.keys(JSON.parse(stdout) as object)).toEqual([field]);
});

test('an error as JSON has code, message, remedy and details', async () => {
  const { exitCode, stdout } = await perdura(['run', 'fligths', '--json'], { folder });
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    error: {
      code: 'PIPELINE_NOT_FOUND',
      message: "Project 'shop' has no pipeline 'fligths'. Did you mean 'flights'? It has: flights.",
      remedy: "List them with 'perdura doctor'.",
      details: { usage: true },
    },
  });
});

test('--verbose adds the stack', async () => {
  const { stderr } = await perdura(['run', 'fligths', '--verbose'], { folder });
  expect(stderr).toMatch(/\n\s+at /);
});

test.each([
  ['missing.parquet', null, 'NOT_FOUND'],
  ['empty.parquet', '', 'DATA_UNREADABLE'],
  ['damaged.parquet', 'PAR1 no more', 'DATA_UNREADABLE'],
  ['notes.txt', 'text', 'DATA_UNREADABLE'],
])("'data add' refuses %s before anything is started", async (name, text, code) => {
  if (text !== null) await writeFile(join(folder, name), text);
  const { exitCode, stdout } = await perdura(['data', 'add', 'flights', name, '--json'], { folder });
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code, message: expect.stringContaining(name) } });
});

test('settings that do not hold up are one error with every problem', async () => {
  const environment = { TEMPORAL_ADDRESS: 'nonsense', PERDURA_S3_PORT: '99999' };
  const { exitCode, stdout } = await perdura(['runs', '--json'], { folder, environment });
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CONFIG_INVALID' } });
  expect(stdout).toContain('TEMPORAL_ADDRESS');
  expect(stdout).toContain('PERDURA_S3_PORT');
});

test('the doctor finds the pipelines and exits 1 when one does not build', async () => {
  const environment = { PERDURA_HOME: join(folder, 'home') };
  const whole = await perdura(['doctor', '--json'], { folder, environment });
  expect(JSON.parse(whole.stdout)).toMatchObject({
    checks: expect.arrayContaining([
      expect.objectContaining({
        name: 'pipeline flights',
        status: 'ok',
        found: 'builds: function flights, parameters',
      }),
    ]),
  });
  const broken = join(folder, 'broken');
  await mkdir(join(broken, 'pipelines/flights'), { recursive: true });
  await writeFile(join(broken, 'package.json'), '{}');
  await writeFile(join(broken, 'pipelines/flights/pipeline.ts'), 'export const = 1;');
  const found = await perdura(['doctor', '--json'], { folder: broken, environment });
  expect(found.exitCode).toBe(1);
  expect(JSON.parse(found.stdout)).toMatchObject({
    ok: false,
    checks: expect.arrayContaining([expect.objectContaining({ name: 'project', status: 'fail' })]),
  });
});
