import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PackageFile, packageFiles } from '../../domain/model-package.ts';
import { type ScoreOptions, scoreRows } from '../../training/score.ts';
import { type TrainingJob, type TrainingResult, train as trainJob } from '../../training/train.ts';
import { flightFeatures, listeners, openWorkplace, trainingJob, type Workplace } from './flights.ts';

/** Two thirds of January to learn from, every third flight held out. */
const learned = 'flight % 3 > 0';
const heldOut = 'flight % 3 = 0';

let workplace: Workplace;
let flights: string;
let features: string;
let trained: TrainingResult;
const losses: number[] = [];

beforeAll(async () => {
  workplace = await openWorkplace();
  flights = await workplace.parquet(
    'january',
    (all) =>
      `SELECT *, row_number() OVER () AS flight FROM ${all} WHERE date < TIMESTAMP '2001-02-01' AND hash(date, origin, destination) % 4 = 0`,
  );
  features = await workplace.features('features', flightFeatures);
  trained = await train(job('first'), (loss) => losses.push(loss));
}, 60_000);
afterAll(() => workplace.remove());

test('a model of January ranks held-out flights of January well above chance', async () => {
  const { outputs, labels, width, classes } = await scoreRows({
    ...scored(),
    parquetFiles: [flights],
    where: heldOut,
  });
  expect(labels.length).toBeGreaterThan(30_000);
  expect({ width, classes }).toEqual({ width: 1, classes: null });
  expect(areaUnderCurve(outputs, labels)).toBeGreaterThan(0.6);
});

test('each epoch is reported with its loss', () => {
  expect(losses).toHaveLength(2);
  expect(trained.summary).toBe(`2 epochs, loss ${losses[1]?.toFixed(4)}`);
  expect(losses[1]).toBeLessThan(losses[0] ?? 0);
});

test('the same seed gives the same bytes of every file', async () => {
  const again = await train(job('again'));
  for (const file of packageFiles) expect(await bytes(again, file)).toEqual(await bytes(trained, file));
}, 60_000);

test('another seed gives another model', async () => {
  const other = await train({ ...job('other'), seed: 8 });
  expect(await bytes(other, 'model.onnx')).not.toEqual(await bytes(trained, 'model.onnx'));
}, 60_000);

test('the signature names the features by kind in the order of the tensors', () => {
  expect(trained.signature).toMatchObject({
    numbers: ['distance', 'minute'],
    categories: ['destination', 'hour', 'origin', 'weekday'],
    record: { date: 'timestamp', distance: 'number', origin: 'string', destination: 'string' },
  });
});

test('the profile counts every training row of every feature', async () => {
  const profile = JSON.parse((await bytes(trained, 'profile.json')).toString());
  expect(profile.rows).toBe(trained.rows.trained);
  expect(profile.features.hour.values.length).toBe(profile.features.hour.counts.length);
  for (const { counts } of Object.values<{ counts: number[] }>(profile.features))
    expect(counts.reduce((sum, count) => sum + count)).toBe(profile.rows);
  expect(profile.labelShare).toBeGreaterThan(0.1);
});

test('an airport that training never saw is scored, and differs from a known one by the mean embedding only', async () => {
  const unknown = await workplace.parquet(
    'unknown',
    (all) =>
      `SELECT date, delay, distance, CASE n WHEN 1 THEN 'XXX' WHEN 2 THEN 'YYY' ELSE origin END AS origin, destination FROM (SELECT * FROM ${all} LIMIT 1), range(3) t(n)`,
  );
  const { outputs } = await scoreRows({
    ...scored(),
    parquetFiles: [unknown],
    where: 'true',
  });
  expect(outputs[1]).toBeGreaterThan(0);
  expect(outputs[1]).toBe(outputs[2]);
  expect(outputs[1]).not.toBe(outputs[0]);
});

test('rows without a label or a field are left out of training and scoring, and counted', async () => {
  const holes = await workplace.parquet(
    'holes',
    (all) =>
      `SELECT date, distance, destination, CASE WHEN n = 3 THEN NULL ELSE origin END AS origin, CASE WHEN n = 5 THEN NULL ELSE delay END AS delay FROM (SELECT *, row_number() OVER () - 1 AS n FROM (SELECT * FROM ${all} LIMIT 500))`,
  );
  const { rows } = await train({ ...job('holes'), parquetFiles: [holes], where: 'true' });
  expect(rows).toEqual({ trained: 498, skipped: 2 });
  const scores = await scoreRows({ ...scored(), parquetFiles: [holes], where: 'true', by: ['origin', 'date'] });
  const { labels, rowNumbers } = scores;
  expect(labels.length).toBe(498);
  expect([...rowNumbers.subarray(0, 5)]).toEqual([0, 1, 2, 4, 6]);
  // The one without an origin has an outcome; of the one without a delay nothing could be said anyway.
  expect(scores.refused['origin']).toEqual([null]);
  expect(scores.refused['date']).toEqual([expect.stringMatching(/^\d{4}-/)]);
}, 60_000);

test('scoring hands the event loop over between batches and stops when it is aborted', async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const scoring = scoreRows({
    ...scored(),
    parquetFiles: [flights],
    where: 'true',
    signal: controller.signal,
    onRows(rows) {
      seen.push(rows);
      if (seen.length === 2) setImmediate(() => controller.abort(new Error('enough')));
    },
  });
  await expect(scoring).rejects.toThrow('enough');
  expect(seen.length).toBeLessThan(6);
});

/** The first model, on the same dataset. */
function scored(): Pick<ScoreOptions, 'packageFolder' | 'dataset' | 'workFolder'> {
  return {
    packageFolder: join(workplace.folder, 'first'),
    dataset: 'flights',
    workFolder: join(workplace.folder, 'work'),
  };
}

function job(name: string): TrainingJob {
  return trainingJob(workplace, name, {
    parquetFiles: [flights],
    where: learned,
    featuresFile: features,
    trainer: { kind: 'dense', hidden: [32, 16], epochs: 2, batchSize: 1024, learningRate: 0.003, embedding: 4 },
  });
}

function train(given: TrainingJob, heard: (loss: number) => void = () => {}): Promise<TrainingResult> {
  const heardBy = listeners({ onMetric: ({ value }) => heard(value) });
  return trainJob(given, { ...heardBy, signal: new AbortController().signal });
}

function bytes(result: TrainingResult, file: PackageFile): Promise<Buffer> {
  return readFile(result.files[file]);
}

/** The share of pairs of a positive and a negative row that are in the right order, ties counted half (Mann and Whitney). */
function areaUnderCurve(scores: Float32Array, labels: Float64Array): number {
  const of = (label: number) => scores.filter((_, row) => labels[row] === label).toSorted();
  const negative = of(0);
  const positive = of(1);
  let below = 0;
  let upTo = 0;
  let sum = 0;
  for (const score of positive) {
    while (below < negative.length && (negative[below] ?? 0) < score) below += 1;
    while (upTo < negative.length && (negative[upTo] ?? 0) <= score) upTo += 1;
    sum += (below + upTo) / 2;
  }
  return sum / (positive.length * negative.length);
}
