import { readFileSync } from 'node:fs';
import { features, record } from '../pipelines/churn/features.ts';
import { churnSchema, plans } from '../pipelines/churn/schema.ts';

const [header = '', ...lines] = readFileSync(new URL('../data/churn.csv', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const columns = header.split(',');

test('calls per year count a new customer as one of a year', () => {
  const customer = { plan: 'pro', tenure_months: 0, monthly_charge: 80, support_calls: 3 };
  expect(features(customer)).toMatchObject({ callsPerYear: 3, tenureYears: 0 });
});

test('the data has every column that features and schema speak of', () => {
  const expected = churnSchema.expectations.flatMap((each) => ('column' in each ? [each.column] : []));
  expect(columns).toEqual(expect.arrayContaining([...Object.keys(record), ...expected]));
});

test('every row of the data gives finite numbers and a known plan', () => {
  for (const line of lines) {
    const row = Object.fromEntries(line.split(',').map((value, index) => [columns[index] ?? '', value]));
    const { plan, ...numbers } = features({
      plan: String(row['plan']),
      tenure_months: Number(row['tenure_months']),
      monthly_charge: Number(row['monthly_charge']),
      support_calls: Number(row['support_calls']),
    });
    expect(plans).toContain(plan);
    expect(Object.values(numbers).every(Number.isFinite)).toBe(true);
  }
});
