import { runInThisContext } from 'node:vm';
import type { FeatureModule } from '../../../domain/features.ts';
import { passedColumns } from '../../../training/program/passed-columns.ts';

const record = { age: 'number', 'home town': 'string', at: 'timestamp', member: 'boolean', spare: 'number?' } as const;
const given = (features: unknown): FeatureModule => ({
  record,
  features: features as FeatureModule['features'],
  aggregates: null,
});
const read = (text: string) => passedColumns(given(runInThisContext(`(${text})`)));

test.each([
  '(row) => ({ years: row.age, town: row["home town"] })',
  'row => ({ "years": row.age, town: row["home town"], })',
  "(row, past) => { return { years: row.age, town: row['home town'] }; }",
  'function features(row) {\n\treturn {\n\t\tyears: row.age,\n\t\ttown: row["home town"]\n\t};\n}',
])('%s only passes columns on', (text) => {
  expect(read(text)).toEqual(
    new Map([
      ['years', 'age'],
      ['town', 'home town'],
    ]),
  );
});

test.each([
  '(row) => ({ years: row.age + 1 })',
  '(row) => ({ years: -row.age })',
  '(row) => ({ ...row })',
  '(row) => ({ years: other.age })',
  '(row) => ({ years: row.unknown })',
  '(row) => ({ years: row.toString })',
  '(row) => ({ member: row.member })',
  '(row) => ({ years: row.age, years: row.at })',
  '(row) => ({ ["years"]: row.age })',
  '(row) => ({ years: row.age /* , */ })',
  '(row) => ({ age })',
  '(row, past) => ({ mean: past.mean })',
  '(row) => { row.age = 1; return { years: row.age }; }',
  '(row = { age: 3 }) => ({ years: row.age })',
  '({ age }) => ({ years: age })',
  'async (row) => ({ years: row.age })',
  '(row) => ({})',
  '(row, row2) => ({ years: row2.age })',
])('%s is left to the function itself', (text) => {
  expect(read(text)).toBeNull();
});
