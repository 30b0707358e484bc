import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { loadProject, pipelineFunction } from '../../project/load.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'perdura-load-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

test('pipelines are found by their folders, sorted, with the files that each has', async () => {
  await write({
    'package.json': '{ "name": "shop" }',
    'pipelines/late-arrivals/pipeline.ts': 'export async function lateArrivals() {}',
    'pipelines/late-arrivals/schedule.ts': 'export const schedule = { every: "1 day" };',
    'pipelines/churn/pipeline.ts': 'import { snapshot } from "perdura/steps"; export const churn = () => snapshot();',
    'pipelines/churn/features.ts': 'export const record = {};',
    'pipelines/churn/parameters.ts': 'export const parameters = {};',
    'pipelines/tsconfig.json': '{}',
  });
  const project = await loadProject(root);
  expect(project.name).toBe('shop');
  expect(project.pipelines.map((pipeline) => pipeline.name)).toEqual(['churn', 'late-arrivals']);
  expect(project.pipelines.map((pipeline) => pipeline.functionName)).toEqual(['churn', 'lateArrivals']);
  const [churn, late] = project.pipelines;
  expect(churn?.featuresFile).toBe(join(root, 'pipelines/churn/features.ts'));
  expect(churn?.parametersFile).toBe(join(root, 'pipelines/churn/parameters.ts'));
  expect(late?.parametersFile).toBeNull();
  expect(churn?.scheduleFile).toBeNull();
  expect(churn?.activitiesFile).toBeNull();
  expect(late?.scheduleFile).toBe(join(root, 'pipelines/late-arrivals/schedule.ts'));
});

test('a folder in kebab-case holds a function in camelCase', () => {
  expect(pipelineFunction('late-arrivals-2')).toBe('lateArrivals2');
});

test('a folder without package.json is no project', async () => {
  await expect(loadProject(root)).rejects.toMatchObject({
    code: 'PROJECT_INVALID',
    message: expect.stringContaining('package.json'),
  });
});

test('a project without pipelines/ is told to write one', async () => {
  await write({ 'package.json': '{}' });
  await expect(loadProject(root)).rejects.toMatchObject({
    code: 'PROJECT_INVALID',
    message: expect.stringContaining('pipelines/'),
  });
});

test('a pipeline folder without pipeline.ts is named', async () => {
  await write({ 'package.json': '{}', 'pipelines/churn/features.ts': '' });
  await expect(loadProject(root)).rejects.toMatchObject({
    code: 'PROJECT_INVALID',
    details: { file: join(root, 'pipelines/churn/pipeline.ts') },
  });
});

test('a pipeline that exports another name is told which one is wanted and which it exports', async () => {
  await write({ 'package.json': '{}', 'pipelines/churn/pipeline.ts': 'export const chrun = async () => {};' });
  await expect(loadProject(root)).rejects.toMatchObject({
    code: 'PROJECT_INVALID',
    message: expect.stringMatching(/'churn'.*chrun/),
  });
});

test('a syntax error is reported with file, line and the message of the bundler', async () => {
  await write({ 'package.json': '{}', 'pipelines/churn/pipeline.ts': '\nexport const = 3;' });
  await expect(loadProject(root)).rejects.toMatchObject({
    code: 'PROJECT_INVALID',
    message: `${join(root, 'pipelines/churn/pipeline.ts')}:2:14 does not build: Unexpected token.`,
  });
});

test('a missing file of a pipeline is found before anything runs', async () => {
  await write({
    'package.json': '{}',
    'pipelines/churn/pipeline.ts': 'import { schema } from "./schema.ts"; export const churn = () => schema;',
  });
  await expect(loadProject(root)).rejects.toMatchObject({
    code: 'PROJECT_INVALID',
    message: expect.stringContaining("Could not resolve './schema.ts'"),
  });
});
