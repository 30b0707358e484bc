import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingDependencies } from '../../activities/training/dependencies.ts';
import type { TrainingRequest } from '../../activities/training/contract.ts';
import type { DataSlice } from '../../domain/snapshot.ts';
import type { TrainerSpec } from '../../domain/trainer.ts';
import { pinFileOnce } from '../../stores/artifacts.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { sealSnapshot } from '../../stores/snapshots/manifest.ts';
import { literal, openTables } from '../../stores/tables.ts';

export const trainingRows = 1_000_000;
const holdoutRows = 200_000;
const width = 20;
const columns = Array.from({ length: width }, (_, index) => `x${String(index).padStart(2, '0')}`);

/** The same features file for both trainers: it passes columns on. */
const features = `export const record = { ${columns.map((name) => `${name}: 'number'`).join(', ')} };
export const features = (row) => ({ ${columns.map((name) => `${name}: row.${name}`).join(', ')} });
`;

/** A number in [0, 1) that follows from a row and a place alone. */
const chance = (place: number) => `(hash(i * 64 + ${place}) >> 11)::DOUBLE / 9007199254740992`;
const score = 'x00 * x01 * 6 + sin(x02 * 6) + (x03 > 0.7)::INT * 2 + x04 * x04 * 2 - x05 - 3';

/** Twenty seeded numbers and a label that depends on six of them and on chance. */
function rowsSql(from: number, count: number): string {
  const numbers = columns.map((name, index) => `(${chance(index)})::FLOAT AS ${name}`);
  return `SELECT ${columns.join(', ')}, noise < 1 / (1 + exp(-2 * (${score}))) AS label
    FROM (SELECT ${numbers.join(', ')}, ${chance(width)} AS noise FROM range(${from}, ${from + count}) t(i))`;
}

export type BenchFiles = { readonly training: string; readonly holdout: string; readonly features: string };

/** Writes the data and the features file. */
export async function writeBenchFiles(folder: string): Promise<BenchFiles> {
  await mkdir(folder, { recursive: true });
  const files = {
    training: join(folder, 'training.parquet'),
    holdout: join(folder, 'holdout.parquet'),
    features: join(folder, 'features.mjs'),
  };
  await writeFile(files.features, features);
  const tables = await openTables();
  try {
    await tables.all(`COPY (${rowsSql(0, trainingRows)}) TO ${literal(files.training)} (FORMAT parquet)`);
    await tables.all(`COPY (${rowsSql(trainingRows, holdoutRows)}) TO ${literal(files.holdout)} (FORMAT parquet)`);
  } finally {
    tables.close();
  }
  return files;
}

/** A snapshot of the training file. */
export async function sealTraining(store: ObjectStore, files: BenchFiles): Promise<DataSlice> {
  const pin = await pinFileOnce(store, 'data/bench/training.parquet', files.training);
  const type = (name: string) => ({ name, type: name === 'label' ? ('boolean' as const) : ('number' as const) });
  const sealed = await sealSnapshot(store, {
    dataset: 'bench',
    files: [{ ...pin, rows: trainingRows, format: 'parquet' }],
    rows: trainingRows,
    columns: [...columns, 'label'].map(type),
    deviations: [],
    dialect: null,
  });
  return { snapshot: sealed, rows: trainingRows };
}

/** What the activity needs, without Temporal around it: its heartbeat goes nowhere. */
export function benchDependencies(
  store: ObjectStore,
  folders: { readonly home: string; readonly environments: string; readonly features: string },
): TrainingDependencies {
  return {
    store,
    cacheFolder: join(folders.home, 'cache'),
    packages: { folder: join(folders.home, 'packages'), trusted: () => Promise.resolve([]) },
    keysFolder: join(folders.home, 'keys'),
    workFolder: join(folders.home, 'work'),
    environmentsFolder: folders.environments,
    projectFolder: folders.home,
    python: 'python3',
    environment: {
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      perdura: 'bench',
      temporalSdk: 'none',
      bundleSha256: 'none',
      lockfileSha256: null,
      gitCommit: null,
    },
    prices: () => Promise.resolve(null),
    holdDevice: () => Promise.reject(new Error('No device is asked for.')),
    bundleFeatures: (_pipeline, file) => copyFile(folders.features, file),
    activitiesFile: () => Promise.resolve(null),
    now: () => new Date().toISOString(),
    beat: () => ({ signal: new AbortController().signal, note: () => undefined }),
    callId: () => 'bench',
  };
}

let runs = 0;

/** A training that finds nothing of an earlier one. */
export function benchRequest(data: DataSlice, trainer: TrainerSpec): TrainingRequest {
  const runId = `run-${(runs += 1)}`;
  return {
    run: { pipeline: 'bench', workflowId: `bench/${runId}`, runId },
    stepId: '1-train',
    model: 'bench',
    data,
    features: 'bench',
    target: { name: 'label', task: 'binary', sql: 'label' },
    trainer,
    seed: 7,
    cache: false,
  };
}
