import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Target } from '../../domain/target.ts';
import type { DenseTrainer, MetricPoint } from '../../domain/trainer.ts';
import { trainDense } from '../../training/built-in/train-dense.ts';
import { type Scores, scoreRows } from '../../training/score.ts';
import type { TrainingJob, TrainingResult } from '../../training/training-job.ts';
import { cars, denseJob, listeners, openWorkplace, penguins, trainingJob, type Workplace } from './flights.ts';

const species: Target = { name: 'species', task: 'multiclass', sql: 'species' };
const miles: Target = { name: 'miles', task: 'regression', sql: 'miles' };
const small: DenseTrainer = {
  kind: 'dense',
  hidden: [16],
  epochs: 30,
  batchSize: 32,
  learningRate: 0.01,
  embedding: 2,
};

/** Sizes may be missing: a zero and a flag stand for it. */
const penguinFeatures = `
export const record = { island: 'string', sex: 'string?', length: 'number?', depth: 'number?', flipper: 'number?' };
export const features = ({ island, sex, length, depth, flipper }) => ({
  island, sex: sex ?? 'unknown', length: length ?? 44, depth: depth ?? 17, flipper: flipper ?? 200, missing: length === null ? 1 : 0,
});
`;
const carFeatures = `
export const record = { cylinders: 'number', displacement: 'number', weight: 'number', origin: 'string' };
export const features = (car) => car;
`;

let workplace: Workplace;
let birds: string;
let vehicles: string;
let points: MetricPoint[] = [];

beforeAll(async () => {
  workplace = await openWorkplace();
  birds = await workplace.parquet('birds', () => `SELECT *, row_number() OVER () AS n FROM ${penguins}`);
  vehicles = await workplace.parquet('vehicles', () => `SELECT *, row_number() OVER () AS n FROM ${cars}`);
});
afterAll(() => workplace.remove());

test('penguins are told apart by species, those without sex or sizes too', async () => {
  const { signature, rows } = await trainBirds('birds', { where: 'n % 4 > 0' });
  expect(signature.classes).toEqual(['Adelie', 'Chinstrap', 'Gentoo']);
  // Every penguin has a species and an island; two have no sizes and eleven no sex, and all are kept.
  expect(rows).toEqual({ trained: 258, skipped: 0 });
  const scores = await score('birds', birds, 'n % 4 = 0');
  expect(scores).toMatchObject({ width: 3, classes: signature.classes });
  expect(scores.outputs).toHaveLength(scores.labels.length * 3);
  expect(accuracy(scores)).toBeGreaterThan(0.95);
  for (let row = 0; row < scores.labels.length; row += 1)
    expect(scores.outputs.subarray(row * 3, row * 3 + 3).reduce((sum, share) => sum + share)).toBeCloseTo(1, 5);
});

test('the profile of several classes counts the most likely ones and has no share of true labels', async () => {
  const profile: { prediction: { edges: number[]; counts: number[] }; labelShare: unknown } = JSON.parse(
    await readFile(join(workplace.folder, 'birds', 'profile.json'), 'utf8'),
  );
  expect(profile.prediction.edges).toEqual([0.5, 1.5]);
  expect(profile.prediction.counts.reduce((sum, count) => sum + count)).toBe(258);
  expect(profile.labelShare).toBeNull();
});

test('a class that the hold-out lacks and one that training never saw are scored', async () => {
  await trainBirds('two', { where: "species <> 'Gentoo'" });
  const scores = await score('two', birds, "species <> 'Adelie'");
  expect(scores.classes).toEqual(['Adelie', 'Chinstrap']);
  expect(new Set(scores.labels)).toEqual(new Set([1, -1]));
  expect(scores.labels.filter((label) => label === -1)).toHaveLength(124);
});

test('a category that training never saw is scored', async () => {
  await trainBirds('dream', { where: "island <> 'Dream'" });
  const scores = await score('dream', birds, "island = 'Dream'");
  expect(scores.labels).toHaveLength(124);
  expect([...scores.outputs].every(Number.isFinite)).toBe(true);
});

test('a regression explains the fuel use of cars it has not seen', async () => {
  await trainCars('cars', { where: 'n % 4 > 0' });
  const scores = await score('cars', vehicles, 'n % 4 = 0');
  expect(scores).toMatchObject({ width: 1, classes: null });
  expect(explained(scores)).toBeGreaterThan(0.6);
});

test('a linear model finds a line', async () => {
  const line = await workplace.parquet(
    'line',
    () => `SELECT i / 100.0 AS x, (i * 7919 % 1000) / 100.0 AS z, 3 * x - 2 * z + 1e6 AS y FROM range(1000) r(i)`,
  );
  const text = "export const record = { x: 'number', z: 'number' }; export const features = (row) => row;";
  const trainer = { ...small, hidden: [], epochs: 60, batchSize: 50, learningRate: 0.02 };
  const target: Target = { name: 'y', task: 'regression', sql: 'y' };
  await train('line', line, text, { target, trainer });
  const { outputs, labels } = await score('line', line, 'true');
  // Within a hundredth of the deviation, 10.4; 32 bits part numbers about a million by 0.06.
  outputs.forEach((value, row) => expect(Math.abs(value - (labels[row] ?? 0))).toBeLessThan(0.104 + 0.0625));
});

test('balanced class weights find more of a rare class', async () => {
  const where = "species <> 'Chinstrap' OR n % 8 = 0";
  const found = async (name: string, more: Partial<DenseTrainer>) => {
    await trainBirds(name, { where, trainer: { ...small, hidden: [], epochs: 4, ...more } });
    const { outputs, labels } = await score(name, birds, "species = 'Chinstrap'");
    return labels.reduce((sum, _, row) => sum + (outputs[row * 3 + 1] ?? 0), 0) / labels.length;
  };
  expect(await found('heavy', { classWeights: 'balanced' })).toBeGreaterThan((await found('plain', {})) + 0.1);
});

test('early stopping reports the loss on the rows held out, stops, and keeps the best weights', async () => {
  const trainer: DenseTrainer = {
    ...small,
    epochs: 400,
    learningRate: 0.05,
    earlyStopping: { share: 0.3, patience: 3 },
  };
  const { summary } = await trainCars('early', { trainer });
  const held = points.filter(({ name }) => name === 'validationLoss').map(({ value }) => value);
  const best = held.indexOf(Math.min(...held)) + 1;
  expect(held.length).toBeLessThan(400);
  expect(held.length).toBe(best + 3);
  expect(summary).toContain(`${held.length} epochs`);
  expect(summary).toContain(`best after epoch ${best}`);
  // The same training with no epoch after its best one ends with the same weights.
  await trainCars('until-best', { trainer: { ...trainer, epochs: best } });
  expect(await readFile(join(workplace.folder, 'until-best', 'model.onnx'))).toEqual(
    await readFile(join(workplace.folder, 'early', 'model.onnx')),
  );
});

test.each([
  ['a constant target', miles, 'miles = 26', /is 26 in all \d+ rows/],
  ['a single class', species, "species = 'Adelie'", /is Adelie in all \d+ rows/],
  ['a text as the target of a regression', { ...miles, sql: 'name' }, 'true', /chevrolet/],
  [
    'a target that is no finite number',
    { ...miles, sql: "CASE WHEN n = 3 THEN 'nan'::DOUBLE ELSE miles END" },
    'true',
    /finite number or null/,
  ],
])('%s is INPUT_INVALID', async (_, target, where, message) => {
  const training =
    target.task === 'multiclass' ? trainBirds('bad', { target, where }) : trainCars('bad', { target, where });
  await expect(training).rejects.toMatchObject({ code: 'INPUT_INVALID', message: expect.stringMatching(message) });
});

test('a weight for a class that is not there is INPUT_INVALID and named', async () => {
  const trainer = { ...small, classWeights: { Emperor: 2 } };
  await expect(trainBirds('emperor', { trainer })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining("'Emperor'"),
  });
});

test('a feature function that hands a null on is FEATURES_INVALID', async () => {
  const text = "export const record = { length: 'number?' }; export const features = (row) => row;";
  await expect(train('null', birds, text, { target: species })).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    message: expect.stringContaining("'length'"),
  });
});

let features = 0;

async function train(name: string, file: string, text: string, parts: Partial<TrainingJob>): Promise<TrainingResult> {
  const featuresFile = await workplace.features(`features-${(features += 1)}`, text);
  const job = trainingJob(workplace, name, { parquetFiles: [file], featuresFile, trainer: small, ...parts });
  points = [];
  const heard = listeners({ onMetric: (point) => points.push(point) });
  return trainDense(denseJob(job), { ...heard, now: () => performance.now() });
}

const trainBirds = (name: string, parts: Partial<TrainingJob> = {}) =>
  train(name, birds, penguinFeatures, { target: species, ...parts });
const trainCars = (name: string, parts: Partial<TrainingJob> = {}) =>
  train(name, vehicles, carFeatures, { target: miles, ...parts });

function score(name: string, file: string, where: string): Promise<Scores> {
  const packageFolder = join(workplace.folder, name);
  const workFolder = join(workplace.folder, 'work');
  return scoreRows({ packageFolder, parquetFiles: [file], dataset: 'flights', workFolder, where });
}

function accuracy({ outputs, labels, width }: Scores): number {
  const right = [...labels].filter((label, row) => {
    const shares = outputs.subarray(row * width, (row + 1) * width);
    return shares.indexOf(Math.max(...shares)) === label;
  });
  return right.length / labels.length;
}

/** The share of the labels' variance that is explained. */
function explained({ outputs, labels }: Scores): number {
  const mean = labels.reduce((sum, label) => sum + label, 0) / labels.length;
  const sumOf = (distance: (label: number, row: number) => number) =>
    labels.reduce((sum, label, row) => sum + distance(label, row) ** 2, 0);
  return 1 - sumOf((label, row) => label - (outputs[row] ?? 0)) / sumOf((label) => label - mean);
}
