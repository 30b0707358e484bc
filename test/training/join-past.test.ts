import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadFeatureModule } from '../../stores/feature-module.ts';
import { openTables, type Tables } from '../../stores/tables.ts';
import { joinPast } from '../../training/join-past.ts';
import { type LabelledRows, readFeatureNames, readLabelledRows } from '../../training/labelled-rows.ts';
import { scoreRows } from '../../training/score.ts';
import { train as trainJob } from '../../training/train.ts';
import { flightFeatures, listeners, openWorkplace, trainingJob, type Workplace } from './flights.ts';

const target = { name: 'late', task: 'binary', sql: 'delay > 15' } as const;

/** How late the flights of the same airport were that left one to three hours before, and how many flew at all. */
const pastFeatures = `
export const record = { date: 'timestamp', origin: 'string' };
export const aggregates = {
  dataset: 'flights', time: 'date', gap: '1 hour',
  values: {
    delay: { function: 'mean', of: 'delay', by: ['origin'], over: '2 hours' },
    flights: { function: 'count', of: 'true', by: ['origin'], over: '2 hours' },
  },
};
export const features = (flight, past) => ({ delay: past.delay ?? -1, flights: past.flights });
`;

let workplace: Workplace;
let tables: Tables;
beforeAll(async () => {
  workplace = await openWorkplace();
  tables = await openTables({ temporaryFolder: workplace.folder });
}, 60_000);
afterAll(async () => {
  tables.close();
  await workplace.remove();
});

test('a model without aggregates has the bytes that it had before there were any', async () => {
  const chicago = await workplace.parquet(
    'chicago',
    (all) => `SELECT * FROM ${all} WHERE date < TIMESTAMP '2001-02-01' AND origin = 'ORD' ORDER BY ALL`,
  );
  const { files } = await train('plain', {
    parquetFiles: [chicago],
    featuresFile: await features('plain', flightFeatures),
  });
  // Trained by the release before aggregates (0.1.0, commit 86d163e) from the same rows.
  expect(
    createHash('sha256')
      .update(await readFile(files['model.onnx']))
      .digest('hex'),
  ).toBe('d351bb3fa31aad1f66358be82e4aae452a787820ca89a3cae39605fafad61f62');
});

test('a row sees the flights before it by gap and window, and of those also what the condition leaves out', async () => {
  const rows = await read("origin = 'ORD' AND distance = 5");
  // From 10:00 back: 09:00 is not before the gap, 08:59 and 07:00 are in the window, 06:59 is not, and LAX is elsewhere.
  expect([...rows.rows.numbers]).toEqual([15, 3]);
  expect([...rows.labels]).toEqual([1]);
});

test('a row without a past is read, and rows stay in order of the files', async () => {
  const rows = await read('true');
  expect([...rows.labels]).toEqual([0, 0, 1, 0, 1, 1, 1]);
  expect([...rows.rowNumbers]).toEqual([0, 1, 2, 3, 4, 6, 7]);
  expect([...rows.rows.numbers.subarray(0, 2)]).toEqual([-1, 0]);
  expect(rows.skipped).toBe(1);
});

test('aggregates of another dataset are refused', async () => {
  await expect(read('true', 'trains')).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    message: expect.stringContaining("'trains'"),
  });
});

test('an aggregate of a column that is not there is INPUT_INVALID and named', async () => {
  const text = pastFeatures.replace("of: 'delay'", "of: 'lateness'");
  const wrong = await loadFeatureModule(await features('wrong', text));
  const query = { parquetFiles: [await fewFlights()], where: 'true', target, features: wrong };
  await expect(joinPast(tables, query, { dataset: 'flights', folder: workplace.folder })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('lateness'),
  });
});

test('a model with aggregates is trained and scored, and its rows are not left behind', async () => {
  const january = await workplace.parquet(
    'january',
    (all) => `SELECT * FROM ${all} WHERE date < TIMESTAMP '2001-01-15' AND hash(origin) % 8 = 0`,
  );
  const featuresFile = await features('past', pastFeatures);
  const parts = { parquetFiles: [january], featuresFile, where: "date < TIMESTAMP '2001-01-10'" };
  const { signature, rows } = await train('past', parts);
  expect(signature.numbers).toEqual(['delay', 'flights']);
  expect(rows.skipped).toBe(0);
  const again = await train('past-again', parts);
  expect(await readFile(again.files['model.onnx'])).toEqual(
    await readFile(join(workplace.folder, 'past', 'model.onnx')),
  );
  const workFolder = join(workplace.folder, 'work');
  const { outputs, labels, by } = await scoreRows({
    packageFolder: join(workplace.folder, 'past'),
    parquetFiles: [january],
    where: "date >= TIMESTAMP '2001-01-10'",
    // One that the features do not take, and one that they do.
    by: ['destination', 'origin'],
    dataset: 'flights',
    workFolder,
  });
  expect(outputs.length).toBe(labels.length);
  expect(new Set(by['destination']).size).toBeGreaterThan(10);
  expect(by['origin']).toHaveLength(labels.length);
  expect(labels.length).toBeGreaterThan(5_000);
  expect(await readdir(workFolder)).toEqual([]);
  expect((await readdir(join(workplace.folder, 'past'))).toSorted()).toEqual([
    'features.mjs',
    'model.onnx',
    'profile.json',
    'signature.json',
  ]);
}, 60_000);

/** Eight flights in two hours' reach of each other; the sixth has no delay. */
function fewFlights(): Promise<string> {
  return workplace.parquet(
    'few',
    () => `SELECT CAST(column0 AS TIMESTAMP) AS date, column1 AS origin, column2 AS delay, column3 AS distance FROM (VALUES
      ('2001-01-01 06:59', 'ORD', 0, 1), ('2001-01-01 07:00', 'ORD', 10, 2), ('2001-01-01 08:59', 'ORD', 20, 3),
      ('2001-01-01 09:00', 'ORD', 1, 4), ('2001-01-01 10:00', 'ORD', 90, 5), ('2001-01-01 08:00', 'ORD', NULL, 6),
      ('2001-01-01 08:00', 'LAX', 99, 7), ('2001-01-01 10:00', 'LAX', 99, 8)) AS flights(column0, column1, column2, column3)`,
  );
}

async function read(where: string, dataset = 'flights'): Promise<LabelledRows> {
  const module = await loadFeatureModule(await features(`read-${(reads += 1)}`, pastFeatures));
  const query = { parquetFiles: [await fewFlights()], where, target, features: module };
  const joined = await joinPast(tables, query, { dataset, folder: workplace.folder });
  const names = await readFeatureNames(tables, joined);
  if (names === null) throw new Error('no row is usable');
  for await (const rows of readLabelledRows(tables, joined, names)) return rows;
  throw new Error('no row was read');
}

let reads = 0;
const features = (name: string, text: string) => workplace.features(name, text);

function train(
  name: string,
  parts: Pick<Parameters<typeof trainingJob>[2], 'parquetFiles' | 'featuresFile' | 'where'>,
) {
  const trainer = {
    kind: 'dense',
    hidden: [8],
    epochs: 1,
    batchSize: 1024,
    learningRate: 0.003,
    embedding: 4,
  } as const;
  return trainJob(trainingJob(workplace, name, { trainer, ...parts }), {
    ...listeners(),
    signal: new AbortController().signal,
  });
}
