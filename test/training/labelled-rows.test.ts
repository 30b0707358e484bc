import type { FeatureModule } from '../../domain/features.ts';
import { parseRecord } from '../../domain/features.ts';
import { loadFeatureModule } from '../../stores/feature-module.ts';
import type { Target } from '../../domain/target.ts';
import { openTables, type Tables } from '../../stores/tables.ts';
import {
  type LabelledRows,
  type LabelledRowsOptions,
  readClasses,
  readFeatureNames,
  readLabelledRows,
} from '../../training/labelled-rows.ts';
import { passedColumns } from '../../training/program/passed-columns.ts';
import { openWorkplace, type Workplace } from './flights.ts';

const colour: Target = { name: 'colour', task: 'multiclass', sql: 'colour' };
const text = `
export const record = { size: 'number', weight: 'number?', shape: 'string?', ripe: 'boolean?', grown: 'timestamp?' };
export const features = (fruit) => ({ seen: JSON.stringify(fruit), size: fruit.size });
`;

let workplace: Workplace;
let tables: Tables;
let fruits: string;
let features: FeatureModule;

beforeAll(async () => {
  workplace = await openWorkplace();
  tables = await openTables();
  fruits = await workplace.parquet(
    'fruits',
    () => `SELECT * FROM (VALUES
      (1, 0.5, 'round', true, TIMESTAMP '2020-01-01', 'red', 'north'),
      (2, NULL, NULL, NULL, NULL, 'blue', NULL),
      (NULL, 1, 'long', true, NULL, 'green', 'south'),
      (4, 'nan'::DOUBLE, 'long', true, NULL, 'red', 'south'),
      (5, 2, 'long', false, NULL, NULL, 'south'),
      (6, 2, 'long', false, NULL, 'red', 'south'))
      AS fruits(size, weight, shape, ripe, grown, colour, region)`,
  );
  features = await loadFeatureModule(await workplace.features('fruits', text));
});
afterAll(async () => {
  tables.close();
  await workplace.remove();
});

test('a field with a question mark may be null, and reaches the feature function so', async () => {
  const { rows, rowNumbers, skipped } = await read({});
  // The third lacks its size, the fourth has a weight that is no number, the fifth has no label.
  expect([...rowNumbers]).toEqual([0, 1, 5]);
  expect(skipped).toBe(3);
  expect(JSON.parse(rows.categories[1] ?? '')).toEqual({ size: 2, weight: null, shape: null, ripe: null, grown: null });
  expect(JSON.parse(rows.categories[0] ?? '')).toEqual({
    size: 1,
    weight: 0.5,
    shape: 'round',
    ripe: true,
    grown: Date.UTC(2020, 0, 1),
  });
});

test('a record of a client without those fields becomes the same', () => {
  expect(parseRecord(features.record, { size: 2, shape: null })).toEqual({
    size: 2,
    weight: null,
    shape: null,
    ripe: null,
    grown: null,
  });
  expect(() => parseRecord(features.record, { weight: 2 })).toThrow("Field 'size'");
  expect(() => parseRecord(features.record, { size: 2, weight: '3' })).toThrow("Field 'weight'");
});

test('classes are those of the rows that can be used, sorted', async () => {
  expect(await readClasses(tables, query(colour))).toEqual(['blue', 'red']);
});

test('a label is the place of its class, and -1 for a class that is not among the given ones', async () => {
  expect([...(await read({ classes: ['blue', 'red'] })).labels]).toEqual([1, 0, 1]);
  expect([...(await read({ classes: ['green', 'red'] })).labels]).toEqual([1, -1, 1]);
});

test('values of asked columns come as text with the rows that are kept, null as null', async () => {
  const { by } = await read({ by: ['region', 'size'] });
  expect(by).toEqual([
    ['north', null, 'south'],
    ['1', '2', '6'],
  ]);
});

test('a column that is asked for and is not there is INPUT_INVALID and named', async () => {
  await expect(read({ by: ['country'] })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('country'),
  });
});

test('features that only name fields are the same whether they are copied or computed', async () => {
  const record = "export const record = { size: 'number', region: 'string' };";
  const target: Target = { name: 'size', task: 'regression', sql: 'size * 2' };
  const named = await module(`${record} export const features = (row) => ({ s: row.size, r: row.region });`);
  const computed = await module(`${record} export const features = (row) => ({ s: Number(row.size), r: row.region });`);
  expect(passedColumns(named)).not.toBeNull();
  expect(passedColumns(computed)).toBeNull();
  const copied = await read({}, { ...query(target), features: named });
  expect(copied).toEqual(await read({}, { ...query(target), features: computed }));
  expect([...copied.labels]).toEqual([2, 8, 10, 12]);
  expect(copied.rows.categories).toEqual(['north', 'south', 'south', 'south']);
});

test('a null that is only handed on is FEATURES_INVALID and named', async () => {
  const named = await module(
    "export const record = { weight: 'number?' }; export const features = (row) => ({ w: row.weight });",
  );
  // The first row has a weight, the second has none.
  await expect(read({}, { ...query(colour), features: named })).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    message: expect.stringContaining("'w'"),
  });
});

let modules = 0;
async function module(source: string): Promise<FeatureModule> {
  return loadFeatureModule(await workplace.features(`module-${(modules += 1)}`, source));
}

function query(target: Target) {
  return { parquetFiles: [fruits], where: 'true', target, features };
}

async function read(options: LabelledRowsOptions, given = query(colour)): Promise<LabelledRows> {
  const names = await readFeatureNames(tables, given);
  if (names === null) throw new Error('no row is usable');
  for await (const rows of readLabelledRows(tables, given, names, options)) return rows;
  throw new Error('no row was read');
}
