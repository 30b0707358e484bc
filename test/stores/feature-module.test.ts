import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadFeatureModule } from '../../stores/feature-module.ts';
import { codeOf } from '../contracts/object-store.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdura-features-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let number = 0;
async function module(source: string): Promise<string> {
  const path = join(folder, `features-${++number}.mjs`);
  await writeFile(path, source);
  return path;
}

test('a feature module is loaded and its function runs', async () => {
  const path = await module(
    `export const record = { distance: 'number' }; export const features = (r) => ({ miles: r.distance / 1.609344 });`,
  );
  const { record, features } = await loadFeatureModule(path);
  expect(record).toEqual({ distance: 'number' });
  expect(features({ distance: 1.609344 }, {})).toEqual({ miles: 1 });
});

test.each([
  ['without record', `export const features = () => ({});`],
  ['without features', `export const record = { a: 'number' };`],
  ['whose features is no function', `export const record = { a: 'number' }; export const features = {};`],
  ['with an unknown field type', `export const record = { a: 'date' }; export const features = () => ({});`],
  ['with an empty record', `export const record = {}; export const features = () => ({});`],
  ['that does not parse', `export const record = {`],
  ['that throws', `throw new Error('at load');`],
])('a module %s is FEATURES_INVALID', async (_, source) => {
  expect(await codeOf(loadFeatureModule(await module(source)))).toBe('FEATURES_INVALID');
});

test('a module that is missing is FEATURES_INVALID and named', async () => {
  await expect(loadFeatureModule(join(folder, 'none.mjs'))).rejects.toThrow('none.mjs');
});

const declaration = {
  dataset: 'flights',
  time: 'date',
  gap: '6 hours',
  values: { delay: { function: 'mean', of: 'delay', by: ['origin'], over: '3 hours' } },
};
const withAggregates = (aggregates: unknown) => `
  export const record = { date: 'timestamp', origin: 'string', distance: 'number' };
  export const aggregates = ${JSON.stringify(aggregates)};
  export const features = (r, past) => ({ delay: past.delay ?? 0 });`;

test('declared aggregates are loaded as they are', async () => {
  const { aggregates, features } = await loadFeatureModule(await module(withAggregates(declaration)));
  expect(aggregates).toEqual(declaration);
  expect(features({ date: 0, origin: 'ORD', distance: 1 }, { delay: 7 })).toEqual({ delay: 7 });
});

const one = declaration.values.delay;
test.each([
  ['a dataset that is no name', { ...declaration, dataset: '' }, 'dataset ""'],
  ['a time that is no field', { ...declaration, time: 'landed' }, 'time "landed"'],
  ['a time that is a number', { ...declaration, time: 'distance' }, 'time "distance"'],
  ['a gap without a unit', { ...declaration, gap: '6' }, 'gap "6"'],
  ['half a millisecond', { ...declaration, gap: '0.5 ms' }, 'gap "0.5 ms"'],
  ['no values', { ...declaration, values: {} }, 'values'],
  ['an unknown function', { ...declaration, values: { delay: { ...one, function: 'median' } } }, '"median"'],
  ['nothing to compute of', { ...declaration, values: { delay: { ...one, of: ' ' } } }, 'of " "'],
  ['a key that is no field', { ...declaration, values: { delay: { ...one, by: ['carrier'] } } }, '"carrier"'],
  ['a key that is a number', { ...declaration, values: { delay: { ...one, by: ['distance'] } } }, 'is a number'],
  ['a key twice', { ...declaration, values: { delay: { ...one, by: ['origin', 'origin'] } } }, 'twice'],
  ['a window of nothing', { ...declaration, values: { delay: { ...one, over: '0 hours' } } }, 'over "0 hours"'],
  ['a list', [declaration], 'object'],
])('aggregates with %s are refused by name', async (_, aggregates, named) => {
  const loading = loadFeatureModule(await module(withAggregates(aggregates)));
  await expect(loading).rejects.toMatchObject({ code: 'FEATURES_INVALID', message: expect.stringContaining(named) });
});
