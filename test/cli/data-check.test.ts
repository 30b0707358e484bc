import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GateFindings } from '../../domain/validation-report.ts';
import { type CommandResult, perdura } from '../support/cli.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-check-'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(repository, join(folder, 'node_modules/perdura'));
  const imports = "import { between, drift, notNull, references, rowFunction, volume } from 'perdura/expect';\n";
  const schema = async (name: string, expectations: string, more = '') =>
    writeFile(
      join(folder, `${name}.ts`),
      `${imports}export const things = { dataset: 'things', expectations: [${expectations}], ${more} };\n`,
    );
  await schema('positive', "between('n', { min: 0 }), notNull('label', { environments: ['training'] })");
  await schema('lenient', "between('n', { min: 0 })", 'quarantineUpTo: 0.5');
  await schema('compared', "volume({ min: 0.9 }), drift('n', { statistic: 'psi', atMost: 0.1, against: 'previous' })");
  await schema('known', "references('n', { in: 'numbers@latest', to: 'n' })");
  await schema('functions', "rowFunction('small', { columns: ['n'] })");
  await writeFile(join(folder, 'checks.ts'), 'export const small = (row: { n: number }): boolean => row.n < 100;\n');
  await writeFile(join(folder, 'two.ts'), 'export const a = { dataset: "a", expectations: [] }, b = { ...a };\n');
  await writeFile(join(folder, 'good.csv'), 'n,label\n1,a\n2,b\n');
  await writeFile(join(folder, 'bad.csv'), 'n,label\n1,a\n-2,b\n3,"<script>alert(1)</script>"\n');
  await writeFile(join(folder, 'serving.csv'), 'n\n1\n2\n');
  await writeFile(join(folder, 'old.csv'), `n\n${numbers(2_000, 0)}`);
  await writeFile(join(folder, 'alike.csv'), `n\n${numbers(2_000, 0)}`);
  await writeFile(join(folder, 'moved.csv'), `n\n${numbers(1_000, 500)}`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function numbers(count: number, from: number): string {
  return Array.from({ length: count }, (_, index) => `${from + (index % 1_000)}\n`).join('');
}

function check(...words: readonly string[]): Promise<CommandResult> {
  return perdura(['data', 'check', ...words], { folder });
}

async function found(...words: readonly string[]): Promise<GateFindings> {
  const { stdout, stderr } = await check(...words, '--json');
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as GateFindings;
}

test('files that hold pass with 0, without any service', async () => {
  const { exitCode, stdout } = await check('good.csv', '--schema', 'positive.ts');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('2 rows hold 2 expectations');
});

test('what would be stopped ends with 1, its violations in a table', async () => {
  const { exitCode, stdout } = await check('good.csv', 'bad.csv', '--schema', 'positive.ts');
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/INT_TYPE_SMALL_INT +block +n +1 +n at least 0 +smallest value -2 +row 2: -2/);
});

test('what would go to quarantine ends with 1 too, and says so', async () => {
  const { exitCode, stdout } = await check('bad.csv', '--schema', 'lenient.ts');
  expect(exitCode).toBe(1);
  expect(stdout).toContain('1 of 3 rows would go to quarantine');
});

test('an environment leaves out what is not held there', async () => {
  expect((await check('serving.csv', '--schema', 'positive.ts')).exitCode).toBe(1);
  expect((await check('serving.csv', '--schema', 'positive.ts', '--environment', 'serving')).exitCode).toBe(0);
});

test('drift and volume are held against the files of --reference', async () => {
  expect(await found('alike.csv', '--schema', 'compared.ts', '--reference', 'old.csv')).toMatchObject({
    decision: 'pass',
    distributions: [{ column: 'n', drifted: false }],
  });
  const { violations } = await found('moved.csv', '--schema', 'compared.ts', '--reference', 'old.csv');
  expect(violations.map(({ code }) => code)).toEqual(['COMPARATOR_LOW_NUM_EXAMPLES', 'COMPARATOR_PSI_HIGH']);
});

test('a snapshot that another is looked up in is a file under its name', async () => {
  const named = await found('good.csv', '--schema', 'known.ts', '--reference', 'numbers@latest=old.csv');
  expect(named.decision).toBe('pass');
  const lacking = await found('good.csv', '--schema', 'known.ts');
  expect(lacking.violations).toMatchObject([{ code: 'COMPARATOR_CONTROL_DATA_MISSING', column: 'n' }]);
});

test('files that a snapshot would refuse together are refused here', async () => {
  await writeFile(join(folder, 'zoned.csv'), 'n,t\n1,2001-01-01T00:00:00Z\n');
  await writeFile(join(folder, 'plain.csv'), 'n,t\n1,2001-01-01T00:00:00\n');
  const { exitCode, stderr } = await check('zoned.csv', 'plain.csv', '--schema', 'positive.ts');
  expect(exitCode).not.toBe(0);
  expect(stderr).toMatch(
    /DATA_UNREADABLE .*'t' has moments with a time zone in zoned\.csv and without one in plain\.csv/,
  );
});

test('row functions come from the checks.ts beside the schema', async () => {
  expect((await found('good.csv', '--schema', 'functions.ts')).decision).toBe('pass');
  expect((await found('old.csv', '--schema', 'functions.ts')).badRows).toBe(1_800);
});

test('the report is one page that shows every column and executes nothing of the data', async () => {
  await check('bad.csv', '--schema', 'positive.ts', '--report', 'report.html');
  const page = await readFile(join(folder, 'report.html'), 'utf8');
  expect(page).toContain('bad.csv');
  expect(page).toContain('INT_TYPE_SMALL_INT');
  expect(page).not.toContain('<script');
  expect(page).toMatch(/label/);
});

test('a schema in a folder without packages is read with the words of the version that reads it', async () => {
  const bare = await mkdtemp(join(tmpdir(), 'perdura-bare-'));
  try {
    await copyFile(join(folder, 'positive.ts'), join(bare, 'schema.ts'));
    await writeFile(join(bare, 'lost.ts'), "import { a } from 'nowhere-at-all';\nexport const s = a;\n");
    const checked = (file: string) =>
      perdura(['data', 'check', join(folder, 'good.csv'), '--schema', file], { folder: bare });
    expect(await checked('schema.ts')).toMatchObject({ exitCode: 0 });
    const { stderr } = await checked('lost.ts');
    expect(stderr).toMatch(/PROJECT_INVALID .*lost\.ts cannot be loaded: Cannot find package 'nowhere-at-all'\./);
  } finally {
    await rm(bare, { recursive: true, force: true });
  }
});

test('a file with several schemas, and one with none, is refused', async () => {
  expect(await check('good.csv', '--schema', 'two.ts')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('exports several: a, b') as unknown,
  });
  expect((await check('good.csv', '--schema', 'checks.ts')).stderr).toContain('exports no schema');
  expect((await check('good.csv', '--schema', 'nowhere.ts')).stderr).toContain('does not exist');
});
