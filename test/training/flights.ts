import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { literal, openTables } from '../../stores/tables.ts';
import type { DenseJob } from '../../training/built-in/train-dense.ts';
import type { TrainingEvents, TrainingJob } from '../../training/training-job.ts';

const data = (name: string) => fileURLToPath(new URL(`../../node_modules/vega-datasets/data/${name}`, import.meta.url));
const source = data('flights-3m.parquet');

/** Measurements of 344 penguins of three species, some without sex or sizes: a SQL source. */
export const penguins = `(SELECT Species AS species, Island AS island, Sex AS sex, "Beak Length (mm)" AS length, "Beak Depth (mm)" AS depth, "Flipper Length (mm)" AS flipper, "Body Mass (g)" AS mass FROM read_json(${literal(data('penguins.json'))}))`;

/** Fuel use of 406 cars, a few without horsepower or use: a SQL source. */
export const cars = `(SELECT Name AS name, Miles_per_Gallon AS miles, Cylinders AS cylinders, Displacement AS displacement, Horsepower AS horsepower, Weight_in_lbs AS weight, Origin AS origin FROM read_json(${literal(data('cars.json'))}))`;

/** The feature functions of the tests: a route is a category of some thousand values, most of them rare. */
export const flightFeatures = `
export const record = { date: 'timestamp', distance: 'number', origin: 'string', destination: 'string' };
export function features(flight) {
  const date = new Date(flight.date);
  return {
    minute: date.getUTCHours() * 60 + date.getUTCMinutes(),
    hour: String(date.getUTCHours()),
    weekday: String(date.getUTCDay()),
    distance: flight.distance,
    origin: flight.origin,
    destination: flight.destination,
  };
}
`;

/** A folder for one test file's data. */
export type Workplace = {
  readonly folder: string;
  /** Writes a features.mjs under a name of its own: Node keeps a module for ever under its path. */
  features(name: string, text: string): Promise<string>;
  /** Cuts rows of the flights file, or of any other SQL source, into a Parquet file. */
  parquet(name: string, sql: (flights: string) => string): Promise<string>;
  remove(): Promise<void>;
};

export async function openWorkplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-training-'));
  return {
    folder,
    async features(name, text) {
      const file = join(folder, `${name}.mjs`);
      await writeFile(file, text);
      return file;
    },
    async parquet(name, sql) {
      const file = join(folder, `${name}.parquet`);
      const tables = await openTables();
      try {
        await tables.all(`COPY (${sql(`read_parquet(${literal(source)})`)}) TO ${literal(file)} (FORMAT parquet)`);
      } finally {
        tables.close();
      }
      return file;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A job over one file; `outputFolder` is named for the job. */
export function trainingJob(
  workplace: Workplace,
  name: string,
  parts: Pick<TrainingJob, 'parquetFiles' | 'featuresFile'> & Partial<TrainingJob>,
): TrainingJob {
  return {
    where: 'true',
    dataset: 'flights',
    target: { name: 'late', task: 'binary', sql: 'delay > 15' },
    trainer: { kind: 'dense', hidden: [32, 16], epochs: 1, batchSize: 1024, learningRate: 0.003, embedding: 4 },
    seed: 7,
    outputFolder: join(workplace.folder, name),
    checkpointFolder: join(workplace.folder, `${name}-checkpoints`),
    resume: null,
    program: null,
    ...parts,
  };
}

/** A job as the built-in trainer takes it. */
export function denseJob(job: TrainingJob): DenseJob {
  const { trainer } = job;
  if (trainer.kind !== 'dense') throw new TypeError(`'${trainer.kind}' is not built in`);
  return { ...job, trainer };
}

/** Listeners for a test that hears only some of them. */
export function listeners(heard: Partial<TrainingEvents> = {}): TrainingEvents {
  return { onMetric: () => {}, onCheckpoint: () => {}, onProgress: () => {}, ...heard };
}

/** The SHA-256 of a file, hex. */
export async function sha256Of(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

/** Waits until a condition holds, at most ten seconds. */
export async function eventually(condition: () => Promise<boolean> | boolean): Promise<boolean> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/** Whether a process of that id lives. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
