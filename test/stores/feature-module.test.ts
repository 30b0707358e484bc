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
  expect(features({ distance: 1.609344 })).toEqual({ miles: 1 });
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
