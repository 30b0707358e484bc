import { rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { loadModel } from '../../../serving/models/load-model.ts';
import { tinyPackageFiles } from '../../support/tiny-model.ts';
import { unmeasuredPlan } from '../../support/unmeasured-plan.ts';

const reference = { model: 'tiny', modelVersion: '1', packageDigest: 'a'.repeat(64) };
const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

let folder = '';
beforeEach(async () => {
  folder = dirname((await tinyPackageFiles({ bias: 0.5, distance: 2, origins: { SFO: 1 } }))['model.onnx']);
});
afterEach(() => rm(folder, { recursive: true }));

test('a request of more rows than a run may have is answered in several runs, in order', async () => {
  const model = await loadModel(reference, folder, { ...unmeasuredPlan, maxRows: 3 });
  const distances = Array.from({ length: 10 }, (_, row) => row / 10);
  const categories = distances.map((_, row) => (row % 2 === 0 ? 'SFO' : 'JFK'));
  const { outputs, computeMs } = await model.run({
    rows: 10,
    numbers: Float32Array.from(distances.flatMap((distance) => [distance, 0])),
    categories,
  });
  const expected = distances.map((distance, row) => sigmoid(2 * distance + 0.5 + (row % 2 === 0 ? 1 : 0)));
  expect(outputs).toHaveLength(10);
  for (const [row, value] of expected.entries()) expect(outputs[row]).toBeCloseTo(value, 6);
  expect(computeMs).toBeGreaterThan(0);
  await model.close();
});

test('the time of a run is that of the model, not of those that ran before it in the same turn', async () => {
  const slow = dirname((await tinyPackageFiles({ bias: 0, matrix: 3_000, passes: 10 }))['model.onnx']);
  const model = await loadModel(reference, slow, unmeasuredPlan);
  const row = { rows: 1, numbers: new Float32Array(2), categories: [''] };
  const startedAt = performance.now();
  const runs = await Promise.all([1, 2, 3, 4, 5].map(() => model.run(row)));
  const wallMs = performance.now() - startedAt;
  expect(runs.reduce((sum, run) => sum + run.computeMs, 0)).toBeLessThan(wallMs * 1.01);
  await model.close();
  await rm(slow, { recursive: true });
});

test('a model that answers no number is MODEL_INVALID', async () => {
  const model = await loadModel(reference, folder, unmeasuredPlan);
  const infinite = { rows: 1, numbers: Float32Array.of(Number.NaN, 0), categories: ['SFO'] };
  await expect(model.run(infinite)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringContaining('it answered NaN') as string,
  });
  await model.close();
});

test('a package whose features take another record than its signature says is MODEL_INVALID', async () => {
  await writeFile(
    `${folder}/features.mjs`,
    `export const record = { other: 'number' }; export const features = (r) => r;`,
  );
  await expect(loadModel(reference, folder, unmeasuredPlan)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
});

test('a package that is planned for a GPU is refused by name where there is none', async () => {
  const loading = loadModel(reference, folder, { ...unmeasuredPlan, provider: 'cuda' });
  await expect(loading).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    message: expect.stringContaining('Model tiny version 1 cannot be loaded onto a GPU') as string,
  });
});
