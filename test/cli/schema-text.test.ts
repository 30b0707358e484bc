import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { schemaText } from '../../cli/schema-text.ts';
import type { ColumnStatistics, SnapshotStatistics } from '../../domain/column-statistics.ts';
import type { Expectation } from '../../domain/expectation.ts';
import { inferSchema } from '../../domain/infer-schema.ts';
import { importModule } from '../../project/bundle-module.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-schema-text-'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(repository, join(folder, 'node_modules/perdura'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const set = (values: readonly string[], missing = 0): ColumnStatistics => ({
  type: 'string',
  missing,
  distinct: values.length,
  range: null,
  profile: { kind: 'category', values, counts: values.map(() => 30), unseen: 0, missing },
});
const keys: ColumnStatistics = { type: 'string', missing: 0, distinct: 90, range: null, profile: null };
const amounts: ColumnStatistics = {
  type: 'number',
  missing: 0,
  distinct: 40,
  range: { min: -0.5, max: 8.25, count: 90, mean: 2, standardDeviation: 1 },
  profile: { kind: 'number', edges: [0.25, 1.5, 3], counts: [20, 25, 25, 20], missing: 0 },
};

const statistics = (columns: Readonly<Record<string, ColumnStatistics>>): SnapshotStatistics => ({
  dataset: 'shop',
  digest: 'd',
  edgesFrom: 'd',
  rows: 90,
  columns,
});

function textOf(columns: Readonly<Record<string, ColumnStatistics>>, source = 'orders.csv'): string {
  const measured = statistics(columns);
  return schemaText({ dataset: 'shop', source, statistics: measured, expectations: inferSchema(measured) });
}

test('the file reads as a person would write it', () => {
  const columns = { id: keys, kind: set(['b', 'a'], 27), amount: amounts, note: set([], 90) };
  expect(textOf(columns))
    .toBe(`import { between, notNull, oneOf, onlyColumns, quantileBetween, rowCount, type, unique } from 'perdura/expect';
import type { DataSchema } from 'perdura/steps';

// Inferred from orders.csv: 90 rows, 4 columns.
// A proposal: read it, correct it, and it is yours.
export const schema: DataSchema = {
  dataset: 'shop',
  expectations: [
    rowCount({ min: 1 }),
    onlyColumns(['id', 'kind', 'amount', 'note'], { severity: 'warn' }),
    type('id', 'string'),
    notNull('id'),
    unique(['id']),
    // 'kind' has no value in 27 rows (30 %).
    type('kind', 'string'),
    oneOf('kind', ['a', 'b']),
    type('amount', 'number'),
    notNull('amount'),
    between('amount', { min: -8, max: 12 }),
    quantileBetween('amount', 0.5, { min: 0.25, max: 3, severity: 'warn' }),
    // 'note' has no value in any row.
  ],
};
`);
});

test('a long list is cut into lines', () => {
  const airports = Array.from({ length: 40 }, (_, index) => `airport number ${index}`);
  const lines = textOf({ origin: set(airports) }).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
});

async function expectationsIn(text: string): Promise<readonly Expectation[]> {
  const file = join(folder, 'schema.ts');
  await writeFile(file, text);
  const module = (await importModule(file, join(folder, 'build'))) as {
    readonly schema: { readonly expectations: readonly Expectation[] };
  };
  return module.schema.expectations;
}

test('the types of the written file are right', async () => {
  const file = join(folder, 'typed.ts');
  await writeFile(file, textOf({ "it's": keys, b: set(['x']), amount: amounts, gone: set([], 90) }));
  const options = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--skipLibCheck', '--module', 'nodenext'];
  const compiler = join(repository, 'node_modules/typescript/bin/tsc');
  const run = promisify(execFile)(process.execPath, [compiler, ...options, '--target', 'es2023', file], {
    cwd: folder,
  });
  await expect(run).resolves.toMatchObject({ stdout: '' });
}, 60_000);

const hostile = [
  "it's",
  'two\nlines',
  '*/ process.exit(7) /*',
  '`${process.exit(7)}`',
  "'); process.exit(7); ('",
  'back\\slash\\',
  'line\u2028separator',
  '\ud800 half a pair',
  '"); DROP TABLE t; --',
  'right\u202eto left',
  '</script>',
  'constructor',
];

test('names and values of the data are text, whatever stands in them', async () => {
  const columns = Object.fromEntries(hostile.map((name) => [name, set(hostile, 5)]));
  const text = textOf(columns, hostile.join('/'));
  const order = (list: readonly Expectation[]) => list.map((one) => JSON.stringify(one)).toSorted();
  expect(order(await expectationsIn(text))).toEqual(order(inferSchema(statistics(columns))));
});

test('random names and values come back as they were', async () => {
  const names = fc.array(fc.string({ unit: 'binary', maxLength: 12 }), { minLength: 1, maxLength: 30 });
  const check = fc.asyncProperty(names, async (list) => {
    const columns = Object.fromEntries(list.map((name) => [name, set([...new Set(list)], 1)]));
    const written = await expectationsIn(textOf(columns));
    expect(written.length).toBe(inferSchema(statistics(columns)).length);
    expect(written).toEqual(expect.arrayContaining([...inferSchema(statistics(columns))]));
  });
  await fc.assert(check, { numRuns: 25 });
});
