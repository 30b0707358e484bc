import { literal, openTables } from '../../stores/tables.ts';
import { loadFeatureModule } from '../../stores/feature-module.ts';
import { train } from '../../training/train.ts';
import { readTrainingTable, type TrainingTable } from '../../training/training-table.ts';
import { flightFeatures, listeners, openWorkplace, sha256Of, trainingJob, type Workplace } from './flights.ts';

let workplace: Workplace;
let features: string;
/** The same rows in one row group, and in groups of 2,048. */
let wide: string;
let narrow: string;

beforeAll(async () => {
  workplace = await openWorkplace();
  features = await workplace.features('features', flightFeatures);
  wide = await workplace.parquet('wide', (all) => `SELECT * FROM ${all} LIMIT 10000`);
  narrow = `${workplace.folder}/narrow.parquet`;
  const tables = await openTables();
  const copy = `COPY (FROM read_parquet(${literal(wide)})) TO ${literal(narrow)} (FORMAT parquet, ROW_GROUP_SIZE 2048, COMPRESSION zstd)`;
  await tables.all(copy).finally(() => tables.close());
});
afterAll(() => workplace.remove());

test('a model has the same bytes with other threads, and from another layout of the same rows', async () => {
  const first = await bytesOf('first', wide, '1');
  expect(await bytesOf('threads', wide, '16')).toBe(first);
  expect(await bytesOf('layout', narrow, '4')).toBe(first);
}, 60_000);

test('the rows are the same ones in the same order with any number of threads of the scan', async () => {
  const one = await tableOf(wide, 1);
  expect(await tableOf(wide, 4)).toEqual(one);
  expect(await tableOf(narrow, 4)).toEqual(one);
}, 60_000);

/** Trains in a process that starts with so many threads for files, and so many that TensorFlow.js would be allowed. */
async function bytesOf(name: string, file: string, threads: string): Promise<string> {
  const held = process.env['UV_THREADPOOL_SIZE'];
  process.env['UV_THREADPOOL_SIZE'] = threads;
  try {
    const job = trainingJob(workplace, name, { parquetFiles: [file], featuresFile: features });
    const { files } = await train(job, { ...listeners(), signal: new AbortController().signal });
    return await sha256Of(files['model.onnx']);
  } finally {
    if (held === undefined) delete process.env['UV_THREADPOOL_SIZE'];
    else process.env['UV_THREADPOOL_SIZE'] = held;
  }
}

async function tableOf(file: string, threads: number): Promise<TrainingTable> {
  const tables = await openTables({ threads });
  try {
    const target = { name: 'late', task: 'binary', sql: 'delay > 15' } as const;
    const query = { parquetFiles: [file], where: 'true', target, features: await loadFeatureModule(features) };
    return await readTrainingTable(tables, query);
  } finally {
    tables.close();
  }
}
