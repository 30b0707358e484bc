import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Task } from '../../../domain/target.ts';
import type { MetricPoint, ProgramTrainer } from '../../../domain/trainer.ts';
import { literal, openTables } from '../../../stores/tables.ts';
import { train, type TrainingJob, type TrainingResult } from '../../../training/train.ts';
import { environmentsFolder, pythonWith } from '../../support/python.ts';

/** Rows with two numbers and two categories whose effects are known, in all three tasks. */
export type PythonWorkplace = {
  readonly folder: string;
  readonly data: string;
  train(name: string, task: Task, trainer: ProgramTrainer, job?: Partial<TrainingJob>): Promise<Trained>;
  remove(): Promise<void>;
};

export type Trained = {
  readonly result: TrainingResult;
  readonly packageFolder: string;
  readonly points: readonly MetricPoint[];
  readonly checkpoints: readonly { readonly step: number; readonly file: string }[];
  readonly said: readonly string[];
};

const labels: Readonly<Record<Task, string>> = {
  binary: 'score > 0.2',
  multiclass: "CASE WHEN score > 0.8 THEN 'high' WHEN score < -0.4 THEN 'low' ELSE 'middle' END",
  regression: 'score * 1000 + 5000',
};

const rows = `
  SELECT i AS id, x, y, shop, kind, x * 0.9 - y + (shop_number * 7 % 11) / 5 - 1 + CASE kind WHEN 'it''s' THEN 0.7 ELSE 0 END AS score
  FROM (SELECT i, sin(i * 12.9898) AS x, cos(i * 78.233) AS y, i * 31 % 40 AS shop_number, 'shop ' || i * 31 % 40 AS shop,
    CASE i % 3 WHEN 0 THEN 'it''s' WHEN 1 THEN 'ü' ELSE '' END AS kind FROM range(4000) t(i))`;

export async function openPythonWorkplace(): Promise<PythonWorkplace> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-python-'));
  const data = join(folder, 'data.parquet');
  const featuresFile = join(folder, 'features.mjs');
  await writeFile(
    featuresFile,
    `export const record = { x: 'number', y: 'number', shop: 'string', kind: 'string' };
     export const features = ({ x, y, shop, kind }) => ({ x, y, shop, kind });`,
  );
  const tables = await openTables();
  await tables.all(`COPY (${rows}) TO ${literal(data)} (FORMAT parquet)`);
  tables.close();
  return {
    folder,
    data,
    async train(name, task, trainer, job = {}) {
      await mkdir(join(folder, name), { recursive: true });
      return heard({
        parquetFiles: [data],
        dataset: 'shops',
        where: 'id % 7 > 0',
        featuresFile,
        target: { name: 'label', task, sql: labels[task] },
        trainer,
        seed: 7,
        outputFolder: join(folder, name, 'package'),
        checkpointFolder: join(folder, name, 'checkpoints'),
        resume: null,
        program: { projectFolder: folder, environmentsFolder, activitiesFile: null, devices: [] },
        ...job,
      });
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Installs what a trainer needs, once a machine: before the tests, because it can take longer than one of them may. */
export async function installPackages(name: 'lightgbm' | 'sklearn'): Promise<void> {
  await pythonWith(fileURLToPath(new URL(`../../../trainers/requirements/${name}.txt`, import.meta.url)));
}

/** Why PyTorch cannot be imported by the python3 of the PATH; null: it can. Its wheels are gigabytes: a test does not install them. */
export async function missingTorch(): Promise<string | null> {
  return promisify(execFile)('python3', ['-c', 'import torch, onnx, pyarrow']).then(
    () => null,
    (error: unknown) => firstLine(String(error).trim().split('\n').at(-1)),
  );
}

async function heard(job: TrainingJob): Promise<Trained> {
  const points: MetricPoint[] = [];
  const checkpoints: { step: number; file: string }[] = [];
  const said: string[] = [];
  const result = await train(job, {
    signal: new AbortController().signal,
    onMetric: (point) => void points.push(point),
    onCheckpoint: (checkpoint) => void checkpoints.push(checkpoint),
    onProgress: (text) => void said.push(text),
  });
  return { result, packageFolder: job.outputFolder, points, checkpoints, said };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
