import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { bundleFeatures } from '../../project/bundle-features.ts';
import type { PipelineSource } from '../../project/load.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'perdura-features-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const plain: Readonly<Record<string, string>> = {
  'features.ts': `import type { RawRecord } from 'perdura/features';
    import hour from './hour.ts';
    import { clamp } from 'clamp';
    /** Documented. */
    export const record = { at: 'timestamp' } as const;
    export function features(raw: RawRecord) { return { hour: clamp(hour(raw.at as number)) }; }`,
  'hour.ts': 'export default (at: number): number => new Date(at).getUTCHours();',
  '../../node_modules/clamp/package.json': '{ "name": "clamp", "main": "./lib/index.js" }',
  '../../node_modules/clamp/lib/index.js': 'exports.clamp = (x) => Math.min(x, 20);',
};

async function pipeline(folder: string, files: Readonly<Record<string, string>>): Promise<PipelineSource> {
  const own = join(root, folder, 'pipelines/churn');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(own, name)), { recursive: true });
    await writeFile(join(own, name), text);
  }
  return {
    name: 'churn',
    functionName: 'churn',
    folder: own,
    pipelineFile: join(own, 'pipeline.ts'),
    featuresFile: 'features.ts' in files ? join(own, 'features.ts') : null,
    activitiesFile: null,
    scheduleFile: null,
    parametersFile: null,
  };
}

test('the same project in two folders gives the same bytes', async () => {
  await bundleFeatures(await pipeline('one', plain), join(root, 'one.mjs'));
  await bundleFeatures(
    await pipeline('deep/er/two', { ...plain, '../../tsconfig.json': '{ "compilerOptions": { "target": "es5" } }' }),
    join(root, 'out/two.mjs'),
  );
  expect(await readFile(join(root, 'out/two.mjs'), 'utf8')).toBe(await readFile(join(root, 'one.mjs'), 'utf8'));
});

test('the module stands alone: what it imports, packages too, is inside', async () => {
  await bundleFeatures(await pipeline('one', plain), join(root, 'apart/features.mjs'));
  await rm(join(root, 'one'), { recursive: true });
  const module = (await import(pathToFileURL(join(root, 'apart/features.mjs')).href)) as {
    readonly record: unknown;
    readonly features: (raw: object) => unknown;
  };
  expect(module.record).toEqual({ at: 'timestamp' });
  expect(module.features({ at: Date.UTC(2001, 0, 1, 23) })).toEqual({ hour: 20 });
});

test('the aggregates of pipelines/flights travel as plain JSON, with nothing of perdura around them', async () => {
  const folder = fileURLToPath(new URL('../../pipelines/flights', import.meta.url));
  const flights = { ...(await pipeline('one', {})), folder, featuresFile: join(folder, 'features.ts') };
  await bundleFeatures(flights, join(root, 'flights.mjs'));
  const module = (await import(pathToFileURL(join(root, 'flights.mjs')).href)) as {
    readonly aggregates: unknown;
    readonly features: (record: object, past: object) => object;
  };
  expect(JSON.parse(JSON.stringify(module.aggregates))).toEqual(module.aggregates);
  expect(module.aggregates).toMatchObject({
    values: { originDelay: { function: 'mean', of: 'delay', by: ['origin'], over: '3 hours' } },
  });
  const flight = { date: Date.UTC(2001, 0, 1, 3), distance: 733, origin: 'ORD', destination: 'LGA' };
  expect(module.features(flight, { originDelay: 12, routeLate: 0.5 })).toMatchObject({
    originDelay: 12,
    routeLate: 0.5,
  });
  expect(module.features(flight, { originDelay: null, routeLate: null })).toMatchObject({
    originDelay: 7,
    routeLate: 0.2,
  });
  expect(await readFile(join(root, 'flights.mjs'), 'utf8')).not.toContain('CodedError');
});

test('a pipeline without features.ts has no features', async () => {
  await expect(bundleFeatures(await pipeline('one', {}), join(root, 'out.mjs'))).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
  });
});

test('a missing export is named and nothing is written', async () => {
  const source = await pipeline('one', { 'features.ts': 'export const features = () => ({});' });
  await expect(bundleFeatures(source, join(root, 'out/features.mjs'))).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    details: { missing: ['record'] },
  });
  await expect(readdir(join(root, 'out'))).rejects.toThrow('ENOENT');
});

test.each(['node:fs', 'fs', 'fs/promises'])('features that import %s are not pure', async (id) => {
  const source = await pipeline('one', {
    'features.ts': `export * from './inner.ts';`,
    'inner.ts': `import * as it from '${id}'; export const record = {}; export const features = () => ({ a: it });`,
  });
  await expect(bundleFeatures(source, join(root, 'out.mjs'))).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    message: expect.stringMatching(/must be pure: .*inner\.ts imports/),
  });
});

test('a package that is not installed is named', async () => {
  const source = await pipeline('one', {
    'features.ts': `import { x } from 'not-there'; export const record = {}; export const features = () => ({ x });`,
  });
  await expect(bundleFeatures(source, join(root, 'out.mjs'))).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    message: expect.stringContaining("'not-there', which is not installed"),
  });
});

test('features that do not build give the message of the bundler', async () => {
  const source = await pipeline('one', { 'features.ts': 'export const record = {' });
  await expect(bundleFeatures(source, join(root, 'out.mjs'))).rejects.toMatchObject({ code: 'PROJECT_INVALID' });
});
