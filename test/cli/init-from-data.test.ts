import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadProject } from '../../project/load.ts';
import { perduraHere } from '../support/cli-here.ts';
import { generator, linkPackages, writeCustomers, writeRealData } from './own-data.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-own-data-'));
  await writeRealData(folder);
  await writeCustomers(join(folder, 'customers.csv'));
}, 30_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

type Told = {
  readonly pipeline: string;
  readonly target: { readonly name: string; readonly task: string; readonly sql: string; readonly why: string };
  readonly split: { readonly kind: string };
  readonly baseline: { readonly metric: string; readonly value: number };
  readonly features: readonly string[];
  readonly leftOut: readonly { readonly column: string; readonly reason: string; readonly why: string }[];
};

let projects = 0;

async function init(words: readonly string[]): Promise<{ readonly project: string; readonly told: Told }> {
  projects += 1;
  const name = `project-${projects}`;
  const { exitCode, stdout, stderr } = await perduraHere(['init', name, ...words, '--json'], { folder });
  if (exitCode !== 0) throw new Error(`${stdout}${stderr}`);
  return { project: join(folder, name), told: JSON.parse(stdout) as Told };
}

async function csv(name: string, header: string, rows: readonly (readonly unknown[])[]): Promise<string> {
  await writeFile(join(folder, name), `${[header, ...rows.map((row) => row.join(','))].join('\n')}\n`);
  return name;
}

const numbers = (count: number) => Array.from({ length: count }, (_, place) => place);
const reasons = ({ leftOut }: Told) => Object.fromEntries(leftOut.map(({ column, reason }) => [column, reason]));

test('of customers the key, the constant and the leak are left out, and each is told with why', async () => {
  const { told } = await init(['--data', 'customers.csv', '--delimiter', ';', '--target', 'churned']);
  expect(told).toMatchObject({
    pipeline: 'customers',
    target: { name: 'churned', task: 'binary', sql: 'churned = 1' },
    split: { kind: 'time', column: 'signed up' },
    baseline: { metric: 'auc', value: 0.5 },
  });
  expect(reasons(told)).toEqual({ 'customer id': 'id', country: 'constant', 'cancelled at': 'leak' });
  expect(told.leftOut.find(({ column }) => column === 'cancelled at')?.why).toContain('AUC 1.0000');
  expect(told.features).toEqual(
    expect.arrayContaining(['signedUpWeekday', 'plan', 'age', 'ageMissing', 'income', 'supportCalls', 'region']),
  );
}, 30_000);

test('--keep keeps the leak and the key, and a column that the data lacks is named with the one that was meant', async () => {
  const words = ['--data', 'customers.csv', '--delimiter', ';', '--target', 'churned', '--keep', 'cancelled at'];
  const { told } = await init([...words, '--keep', 'customer id']);
  expect(reasons(told)).toEqual({ country: 'constant' });
  expect(told.features).toContain('customerId');
  const wrong = await perduraHere(['init', 'other', ...words, '--keep', 'regoin'], { folder });
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr).toContain("no column 'regoin', which --keep names. Did you mean 'region'?");
}, 30_000);

test.each([
  ['penguins.csv', 'Species', 'multiclass', 'Species', 'accuracy'],
  ['penguins.csv', 'Body Mass (g)', 'regression', '"Body Mass (g)"', 'rmse'],
  ['cars.csv', 'Miles_per_Gallon', 'regression', 'Miles_per_Gallon', 'rmse'],
  ['cars.csv', 'Cylinders', 'multiclass', 'Cylinders', 'accuracy'],
  ['penguins.csv', 'Sex', 'binary', "CASE WHEN Sex IN ('FEMALE', 'MALE') THEN Sex = 'FEMALE' END", 'auc'],
])('of %s, %s is learned as %s', async (file, target, task, sql, metric) => {
  const { told } = await init(['--data', file, '--target', target]);
  expect(told.target).toMatchObject({ task, sql });
  expect(told.baseline.metric).toBe(metric);
});

test.each([
  ['Species', 'regression', 'are no numbers'],
  ['Species', 'binary', 'it has 3 values'],
  ['Body Mass (g)', 'multiclass', 'more than 50'],
])('%s as %s is refused with why', async (target, task, why) => {
  const words = ['init', 'none', '--data', 'penguins.csv', '--target', target, '--task', task];
  const { exitCode, stderr } = await perduraHere(words, { folder });
  expect({ exitCode, told: stderr.includes(why) }).toEqual({ exitCode: 2, told: true });
});

test('a column that gives each task away is told; a good but honest one is learned from', async () => {
  const random = generator(3);
  const rows = numbers(2_000).map(() => {
    const [value, noise] = [random() * 100, random() * 100];
    const text = value > 66 ? 'high' : value > 33 ? 'middle' : 'low';
    const wrong = random() < 0.05;
    return [value, value * 3 + 1, noise, text, `code ${text}`, wrong ? 'low' : text, value > 50 ? 'yes' : 'no'].join(
      ',',
    );
  });
  const header = 'value,tripled,noise,level,code,honest,answer';
  await writeFile(join(folder, 'given.csv'), `${[header, ...rows].join('\n')}\n`);
  const told = async (target: string) => reasons((await init(['--data', 'given.csv', '--target', target])).told);
  expect(await told('tripled')).toEqual({ value: 'leak' });
  expect(await told('level')).toEqual({ value: 'leak', tripled: 'leak', code: 'leak' });
  expect(await told('answer')).toEqual({ value: 'leak', tripled: 'leak' });
}, 60_000);

test('a number that is right but for one row in a hundred is no leak; one that is always right is', async () => {
  const rows = numbers(1_000).map((place) => [place, place % 100 === 50 ? Number(place < 500) : Number(place >= 500)]);
  const file = await csv(
    'nearly.csv',
    'at,seen',
    rows.map(([at = 0, seen]) => [at * 1.5, seen]),
  );
  expect(reasons((await perduraTold(file)).told)).toEqual({});
  const sure = await csv(
    'sure.csv',
    'at,other,seen',
    rows.map(([at = 0]) => [at * 1.5, (at * 37) % 101, Number(at >= 500)]),
  );
  expect(reasons((await perduraTold(sure)).told)).toEqual({ at: 'leak' });
}, 30_000);

const perduraTold = (file: string) => init(['--data', file, '--target', 'seen']);

test('numbers with NA among them stay numbers; text with leading zeros stays text', async () => {
  const rows = numbers(400).map((place) => [
    place % 9 === 0 ? 'NA' : (place * 7) % 83,
    `0${(place % 7) + 1}`,
    (place * 13) % 31 > 15 ? 'a' : 'b',
  ]);
  const file = await csv('odd numbers.csv', 'amount,code,kind', rows);
  const { project, told } = await init(['--data', file, '--target', 'kind']);
  expect(told.features).toEqual(['amount', 'amountMissing', 'code']);
  expect(told.pipeline).toBe('odd-numbers');
  const text = await readFile(join(project, 'pipelines/odd-numbers/features.ts'), 'utf8');
  expect(text).toContain("null for 'NA'");
  expect(text).toContain("amount: 'string'");
});

test('without a time that varies the split is by chance, with all times missing or of birth too', async () => {
  const rows = numbers(200).map((place) => [
    `19${10 + (place % 80)}-05-0${1 + (place % 9)}`,
    '2026-01-01',
    (place * 13) % 31,
    (place * 17) % 29 > 14 ? 1 : 0,
  ]);
  const file = await csv('people.csv', 'date_of_birth,written,size,chosen', rows);
  const { told } = await init(['--data', file, '--target', 'chosen']);
  expect(told.split).toMatchObject({ kind: 'chance', seed: 7, holdout: 0.25 });
  expect(reasons(told)).toEqual({ written: 'constant' });
});

test.each([
  ['train.csv', 'train-model'],
  ['Late Arrivals 2.csv', 'late-arrivals-2'],
  ['2026.csv', 'column-2026'],
  ['monitor.csv', 'monitor-model'],
])('%s becomes the pipeline %s', async (file, pipeline) => {
  await writeFile(join(folder, file), await readFile(join(folder, 'penguins.csv')));
  const { project } = await init(['--data', file, '--target', 'Species']);
  expect((await loadProject(project)).pipelines.map(({ name }) => name)).toEqual([pipeline]);
  expect(await readdir(join(project, 'data'))).toEqual([file]);
});

test('infinite, missing and enormous numbers are no reason to fail', async () => {
  const rows = numbers(300).map((place) => [
    place === 7 ? 'inf' : (place * 37) % 101,
    place === 9 ? '-inf' : `${(place * 17) % 83}e200`,
    place % 50 === 3 ? 'nan' : place % 40 === 5 ? 'inf' : ((place * 29) % 97) / 3,
    place % 10 === 4 ? 'nan' : `${(place * 13) % 2}.5`,
  ]);
  const file = await csv('wild.csv', 'a,far,amount,two', rows);
  const amount = await init(['--data', file, '--target', 'amount']);
  expect(amount.told.target).toMatchObject({ task: 'regression', sql: 'CASE WHEN isfinite(amount) THEN amount END' });
  expect(reasons(amount.told)).toEqual({ far: 'type' });
  // A comparison with NaN is false, and the row would be learned as a plain "no".
  const two = await init(['--data', file, '--target', 'two']);
  expect(two.told.target).toMatchObject({ task: 'binary', sql: 'CASE WHEN isfinite(two) THEN two END = 0.5' });
}, 30_000);

const few = numbers(20).map((place) => [place, place % 2]);
const same = numbers(80).map((place) => [place % 7, 'x']);
test.each([
  ['a file that is not there', ['--data', 'none.csv', '--target', 'a'], 1, 'none.csv does not exist'],
  ['no target', ['--data', 'penguins.csv'], 2, '--data needs --target'],
  ['no data', ['--target', 'Species'], 2, '--target needs --data'],
  ['a task alone', ['--task', 'binary'], 2, '--task needs --data, the file to learn from, and --target'],
  ['a target that is mistyped', ['--data', 'penguins.csv', '--target', 'species'], 2, "Did you mean 'Species'?"],
  ['a pipeline named as a step', ['--data', 'penguins.csv', '--target', 'Species', '--name', 'train'], 2, "'train'"],
  ['another delimiter', ['--data', 'customers.csv', '--target', 'churned', '--quote', "'"], 2, "--delimiter ';'"],
  ['too few rows', ['--data', 'few.csv', '--target', 'b'], 2, 'At least 50 are needed'],
  ['a target that is always the same', ['--data', 'same.csv', '--target', 'b'], 2, "it has the value 'x' in each row"],
  ['a target that is true in one row', ['--data', 'rare.csv', '--target', 'rare'], 2, 'one part of the data'],
  [
    'a target too large to square',
    ['--data', 'wide.csv', '--target', 'far', '--task', 'regression'],
    2,
    'reaches 6e+300',
  ],
  [
    'a target too small to square',
    ['--data', 'wide.csv', '--target', 'near', '--task', 'regression'],
    2,
    'differs by no more than',
  ],
  ['a time as the target', ['--data', 'cars.csv', '--target', 'Year'], 2, 'it holds times'],
  ['a target of names', ['--data', 'cars.csv', '--target', 'Name'], 2, 'more than 50 different values'],
])('%s is refused, and nothing is written', async (_, words, exitCode, told) => {
  await csv('few.csv', 'a,b', few);
  await csv('same.csv', 'a,b', same);
  await csv(
    'rare.csv',
    'a,rare',
    numbers(80).map((place) => [place % 7, place === 11 ? 1 : 0]),
  );
  await csv(
    'wide.csv',
    'a,far,near',
    numbers(80).map((place) => [place % 9, `${place % 7}e300`, `${place % 7}e-300`]),
  );
  const before = await readdir(folder);
  const result = await perduraHere(['init', 'refused', ...words], { folder });
  expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({
    exitCode,
    stderr: expect.stringContaining(told),
  });
  expect(await readdir(folder)).toEqual(before);
});

test('what is written passes the compiler and its own tests, with names that are hard to write', async () => {
  const names = [
    'it\'s "odd"',
    'class',
    '`${x}`',
    'größe*/',
    '1st',
    'a b',
    'A-B',
    'nothing\\n',
    'seen at',
    'constructor',
  ];
  const rows = numbers(300).map((place) =>
    names
      .map((_, at) => {
        if (at === 8) return `2026-0${1 + (place % 6)}-1${place % 9}T0${place % 7}:00:00Z`;
        if (at === 9) return `"it's \\ ${'`'}\${${place % 4}}"`;
        return (place + at) % 11 === 0 ? '' : (place * (7 + at)) % 53;
      })
      .concat((place * 13) % 31 > 15 ? "l'été" : '*/'),
  );
  const header = [...names, 'way`out'].map((name) => `"${name.replaceAll('"', '""')}"`).join(',');
  const file = await csv('odd.csv', header, rows);
  const made = [
    (await init(['--data', file, '--target', 'way`out'])).project,
    (await init(['--data', 'customers.csv', '--delimiter', ';', '--target', 'churned'])).project,
  ];
  const run = promisify(execFile);
  for (const project of made) {
    await linkPackages(project);
    const tsc = run(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '--noEmit'], {
      cwd: project,
    });
    await tsc.catch((error: { readonly stdout?: string }) => {
      throw new Error(`${project}: ${error.stdout ?? ''}`);
    });
    const config = JSON.stringify({
      rootDir: project,
      extensionsToTreatAsEsm: ['.ts'],
      testEnvironment: 'node',
      transform: {
        '^.+\\.ts$': [join(repository, 'node_modules/@swc/jest'), { jsc: { parser: { syntax: 'typescript' } } }],
      },
    });
    const jest = ['--experimental-vm-modules', join(repository, 'node_modules/jest/bin/jest.js'), '--config', config];
    await run(process.execPath, jest, { cwd: project });
    expect((await loadProject(project)).pipelines).toHaveLength(1);
  }
}, 120_000);
