import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { checkFiles, type GateWork } from '../../activities/gate/check-files.ts';
import { preparedFiles } from '../../cli/local-data.ts';
import type { DataSchema } from '../../domain/expectation.ts';
import { importModule } from '../../project/bundle-module.ts';
import { literal, openTables } from '../../stores/tables.ts';
import { perduraHere } from '../support/cli-here.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const flights = join(repository, 'node_modules/vega-datasets/data/flights-3m.parquet');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-infer-'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(repository, join(folder, 'node_modules/perdura'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function inferred(words: readonly string[], output: string): Promise<DataSchema> {
  const { exitCode, stderr } = await perduraHere(['data', 'infer', ...words, '--output', output], { folder });
  if (exitCode !== 0) throw new Error(stderr);
  const module = (await importModule(join(folder, output), join(folder, 'build'))) as { readonly schema: DataSchema };
  return module.schema;
}

async function decisionOn(names: readonly string[], schema: DataSchema): Promise<unknown> {
  const scratch = await mkdtemp(join(folder, 'scratch-'));
  const tables = await openTables({ temporaryFolder: scratch });
  const nothing = () => Promise.resolve(null);
  try {
    const files = names.map((name) => ({ name, path: join(folder, name) }));
    const work: GateWork = {
      files: await preparedFiles(files, { scratch, dialect: null }),
      schema,
      environment: 'training',
      now: '2026-11-21T00:00:00Z',
      previousRows: null,
      reference: nothing,
      referenceFiles: nothing,
      rowChecks: null,
      folder: scratch,
    };
    const { decision, violations } = await checkFiles(tables, work);
    return { decision, violations };
  } finally {
    tables.close();
  }
}

const passes = { decision: 'pass', violations: [] };

async function parquet(name: string, select: string): Promise<void> {
  const tables = await openTables();
  await tables.all(`COPY (${select}) TO ${literal(join(folder, name))} (FORMAT parquet)`);
  tables.close();
}

test('three million flights pass the schema that was inferred from them', async () => {
  await symlink(flights, join(folder, 'flights.parquet'));
  const schema = await inferred(['flights.parquet'], 'flights.ts');
  expect(schema.dataset).toBe('flights');
  expect(schema.expectations).toEqual(
    expect.arrayContaining([
      { kind: 'type', column: 'date', type: 'timestamp' },
      { kind: 'notNull', column: 'delay' },
      expect.objectContaining({ kind: 'between', column: 'distance', min: 0 }),
    ]),
  );
  expect(await decisionOn(['flights.parquet'], schema)).toEqual(passes);
}, 60_000);

test('a wrong unit breaks it: distances in metres', async () => {
  await parquet('miles.parquet', `SELECT * FROM ${literal(flights)} LIMIT 50000`);
  const schema = await inferred(['miles.parquet'], 'miles.ts');
  await parquet(
    'metres.parquet',
    `SELECT * REPLACE (distance * 1609 AS distance) FROM ${literal(flights)} LIMIT 50000`,
  );
  expect(await decisionOn(['metres.parquet'], schema)).toMatchObject({ decision: 'block' });
}, 30_000);

test('text of any kind is one table with Parquet, and passes what was inferred from all of it', async () => {
  await writeFile(join(folder, 'a.csv'), 'id,colour,at\n1,red,2026-01-01T00:00:00Z\n2,blue,2026-01-02T00:00:00Z\n');
  await writeFile(join(folder, 'b.tsv.gz'), gzipSync('id\tcolour\tat\n3\tred\t2026-01-03T00:00:00Z\n'));
  await writeFile(join(folder, 'c.jsonl'), '{"id":4,"colour":"blue","at":"2026-01-04T00:00:00Z"}\n');
  await parquet('d.parquet', `SELECT 5::BIGINT AS id, 'red' AS colour, TIMESTAMPTZ '2026-01-05 00:00:00Z' AS at`);
  const names = ['a.csv', 'b.tsv.gz', 'c.jsonl', 'd.parquet'];
  const schema = await inferred(names, 'mixed.ts');
  expect(schema.expectations).toEqual(
    expect.arrayContaining([
      { kind: 'unique', columns: ['id'] },
      { kind: 'oneOf', column: 'colour', values: ['blue', 'red'] },
    ]),
  );
  expect(await decisionOn(names, schema)).toEqual(passes);
}, 30_000);

test('a key that repeats once in ten thousand rows is not called unique', async () => {
  await parquet('keys.parquet', 'SELECT greatest(i, 1)::BIGINT AS id FROM range(10000) t(i)');
  const { expectations } = await inferred(['keys.parquet'], 'keys.ts');
  expect(expectations.some(({ kind }) => kind === 'unique')).toBe(false);
}, 30_000);

test('SQL, quotes and line breaks in names and values are names and values', async () => {
  const columns = ['"; DROP TABLE x; --', "it's", 'two\nlines', '*/ }', 'ünï cödé', 'select'];
  const values = columns.map((name) => `${literal(name)} AS "${name.replaceAll('"', '""')}"`);
  await parquet("o'dd; --.parquet", `SELECT ${values.join(', ')} FROM range(40)`);
  const schema = await inferred(["o'dd; --.parquet"], 'odd.ts');
  const sets = schema.expectations.flatMap((one) => (one.kind === 'oneOf' ? [[one.column, ...one.values]] : []));
  expect(sets).toEqual(columns.map((name) => [name, name]));
  expect(await decisionOn(["o'dd; --.parquet"], schema)).toEqual(passes);
}, 30_000);

test.each([
  [['missing.csv'], 1, 'NOT_FOUND', 'missing.csv'],
  [['empty.csv'], 1, 'DATA_UNREADABLE', 'empty.csv'],
  [['damaged.parquet'], 1, 'DATA_UNREADABLE', 'damaged.parquet'],
  [['notes.txt'], 1, 'DATA_UNREADABLE', 'notes.txt'],
  [['@latest'], 2, 'INPUT_INVALID', '@latest'],
  [['shop@latest', 'other@latest'], 2, 'INPUT_INVALID', 'one snapshot'],
  [['notes.txt', '--output', 'notes.txt'], 2, 'INPUT_INVALID', 'exists already'],
] as const)('%j ends with %d and %s, before anything is written or started', async (words, exitCode, code, told) => {
  await writeFile(join(folder, 'empty.csv'), '');
  await writeFile(join(folder, 'damaged.parquet'), 'PAR1 no more');
  await writeFile(join(folder, 'notes.txt'), 'text');
  const result = await perduraHere(['data', 'infer', ...words, '--json'], { folder });
  expect(result.exitCode).toBe(exitCode);
  expect(JSON.parse(result.stdout)).toMatchObject({ error: { code, message: expect.stringContaining(told) } });
});
