import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingRequest } from '../../../activities/training/contract.ts';
import type { TrainingDependencies } from '../../../activities/training/dependencies.ts';
import type { TrainingRecord } from '../../../domain/training-record.ts';
import type { DataSlice } from '../../../domain/snapshot.ts';
import type { TrainedModel } from '../../../domain/trainer.ts';
import { readTrainingRecord } from '../../../stores/training-records.ts';
import { type DataBench, openDataBench } from '../data/data-bench.ts';

/** What a test may have differently. */
export type BenchOptions = {
  readonly dependencies?: Partial<TrainingDependencies>;
  readonly signal?: AbortSignal;
  readonly notes?: string[];
};

/** A bucket in memory with one small snapshot, and the means to train on it. */
export type TrainingBench = DataBench & {
  dependencies(options?: BenchOptions): TrainingDependencies;
  request(runId: string, differing?: Partial<TrainingRequest>): TrainingRequest;
  recordOf(trained: TrainedModel): Promise<TrainingRecord>;
};

const features = `export const record = { distance: 'number', origin: 'string' };
export const features = (row) => ({ distance: row.distance, origin: row.origin });
`;

export const environment = {
  node: 'v20.20.2',
  platform: 'linux-x64',
  perdura: '0.1.0',
  temporalSdk: '1.24.0',
  bundleSha256: 'b',
  lockfileSha256: null,
  gitCommit: 'c0ffee',
};

/** 4,000 rows in which far flights of one airport are late. */
const rows = `SELECT i % 500 AS distance, chr(65 + CAST(i % 3 AS INTEGER)) AS origin,
  CASE WHEN (i * 7919) % 500 + (i % 3) * 100 > 400 THEN 30 ELSE 0 END AS delay FROM range(4000) t(i)`;

export async function openTrainingBench(): Promise<TrainingBench> {
  const bench = await openDataBench();
  const snapshot = await bench.snapshotOf('flights', rows);
  const data: DataSlice = { snapshot, rows: snapshot.rows };
  return {
    ...bench,
    dependencies: (options = {}) => ({
      store: bench.store,
      cacheFolder: bench.cacheFolder,
      packages: { folder: join(bench.folder, 'packages'), trusted: () => Promise.resolve([]) },
      keysFolder: join(bench.folder, 'keys'),
      workFolder: join(bench.folder, 'work'),
      environmentsFolder: join(bench.folder, 'python'),
      projectFolder: bench.folder,
      python: 'python3',
      environment,
      prices: () => Promise.resolve(null),
      holdDevice: () => Promise.reject(new Error('No device is asked for.')),
      bundleFeatures: (_pipeline, file) => writeFile(file, features),
      activitiesFile: () => Promise.resolve(null),
      callId: () => 'a call',
      now: () => new Date().toISOString(),
      beat: () => ({
        signal: options.signal ?? new AbortController().signal,
        note: (text) => options.notes?.push(text),
      }),
      ...options.dependencies,
    }),
    request: (runId, differing = {}) => ({
      run: { pipeline: 'flights', workflowId: `flights/${runId}`, runId },
      stepId: '3-train',
      model: 'flights',
      data,
      features: 'flights',
      target: { name: 'late', task: 'binary', sql: 'delay > 15' },
      trainer: { kind: 'dense', hidden: [8], epochs: 3, batchSize: 256, learningRate: 0.01, embedding: 2 },
      seed: 7,
      ...differing,
    }),
    recordOf: (trained) => readTrainingRecord(bench.store, trained.record),
  };
}
