import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DenseJob, trainDense } from '../../training/built-in/train-dense.ts';
import { flightFeatures, listeners, openWorkplace, denseJob, trainingJob, type Workplace } from './flights.ts';

let workplace: Workplace;
let flights: string;
let features: string;

beforeAll(async () => {
  workplace = await openWorkplace();
  flights = await workplace.parquet('flights', (all) => `SELECT * FROM ${all} LIMIT 2000`);
  features = await workplace.features('features', flightFeatures);
});
afterAll(() => workplace.remove());

test('a feature that is neither number nor string is FEATURES_INVALID', async () => {
  const featuresFile = await workplace.features(
    'boolean',
    "export const record = { distance: 'number' }; export const features = ({ distance }) => ({ far: distance > 1000 });",
  );
  await expect(train({ featuresFile })).rejects.toMatchObject({ code: 'FEATURES_INVALID' });
});

test('a features file that exports nothing is FEATURES_INVALID', async () => {
  const featuresFile = await workplace.features('empty', 'export {};');
  await expect(train({ featuresFile })).rejects.toMatchObject({ code: 'FEATURES_INVALID' });
});

test('a column that the data lacks is INPUT_INVALID and named', async () => {
  const featuresFile = await workplace.features(
    'carrier',
    "export const record = { carrier: 'string' }; export const features = (row) => row;",
  );
  await expect(train({ featuresFile })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('carrier'),
  });
});

test('a slice without rows is INPUT_INVALID', async () => {
  await expect(train({ where: "date > TIMESTAMP '2030-01-01'" })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});

test('a target that is true in every row is INPUT_INVALID', async () => {
  const target = { name: 'flew', task: 'binary', sql: 'distance > 0' } as const;
  await expect(train({ target })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});

test('a damaged file is DATA_UNREADABLE', async () => {
  const damaged = join(workplace.folder, 'damaged.parquet');
  await writeFile(damaged, 'PAR1 is how a Parquet file begins and ends, but this one does not');
  await expect(train({ parquetFiles: [damaged] })).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
});

test('settings that do not hold up are INPUT_INVALID, all of them at once', async () => {
  const trainer = { kind: 'dense', hidden: [0], epochs: 0, batchSize: 1, learningRate: 0.1, embedding: 1 } as const;
  await expect(train({ trainer })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(/epochs.*hidden/),
  });
});

test('a feature that is missing in a later row is FEATURES_INVALID and named', async () => {
  const featuresFile = await workplace.features(
    'sometimes',
    "export const record = { distance: 'number' }; let rows = 0; export const features = ({ distance }) => (rows++ < 100 ? { distance } : {});",
  );
  await expect(train({ featuresFile })).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    message: expect.stringContaining('distance'),
  });
});

test('a feature too large for 32 bits is FEATURES_INVALID and named', async () => {
  const featuresFile = await workplace.features(
    'huge',
    "export const record = { distance: 'number' }; export const features = ({ distance }) => ({ huge: distance * 1e300 });",
  );
  await expect(train({ featuresFile })).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    message: expect.stringContaining('huge'),
  });
});

test('a file that is not there is DATA_UNREADABLE and named', async () => {
  await expect(train({ parquetFiles: ['/nowhere/flights.parquet'] })).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringContaining('/nowhere/flights.parquet'),
  });
});

test('a learning rate that lets the loss overflow is TRAINING_FAILED', async () => {
  const trainer = { kind: 'dense', hidden: [8], epochs: 3, batchSize: 64, learningRate: 1e38, embedding: 2 } as const;
  await expect(train({ trainer })).rejects.toMatchObject({
    code: 'TRAINING_FAILED',
    message: expect.stringMatching(/after epoch 1\. Take a learning rate below 1e\+38/),
  });
});

function train(parts: Partial<DenseJob>): Promise<unknown> {
  const job = trainingJob(workplace, 'out', { parquetFiles: [flights], featuresFile: features, ...parts });
  return trainDense(denseJob(job), { ...listeners(), now: () => performance.now() });
}
