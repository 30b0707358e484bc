import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProgramTrainer, TrainerParams } from '../../../domain/trainer.ts';
import { literal, openTables } from '../../../stores/tables.ts';
import { dataType, encodeOnnx, type OnnxValue } from '../../../training/onnx/messages.ts';
import { train, type TrainingEvents, type TrainingJob, type TrainingResult } from '../../../training/train.ts';

/** A project with trainers in plain Python, and data of 3,000 rows: two numbers, one category. */
export type ProgramPlace = {
  readonly folder: string;
  readonly data: string;
  /** Writes a trainer's script and gives a job that runs it. */
  job(name: string, script: string, options?: JobOptions): Promise<TrainingJob>;
  /** Whether anything of an attempt lies where its output would. */
  leftovers(job: TrainingJob): Promise<readonly string[]>;
  remove(): Promise<void>;
};

export type JobOptions = {
  readonly params?: TrainerParams;
  readonly trainer?: Partial<ProgramTrainer>;
  readonly job?: Partial<TrainingJob>;
};

/** What each script begins with: the job, a reporter, and `finish()`, which leaves a model that answers 0.25 to everything. */
const preamble = `
import json, os, shutil, signal, subprocess, sys, time
job = json.load(open(os.environ["PERDURA_JOB"]))
params = job["params"]
def say(**report): print(json.dumps(report), flush=True)
def finish(answer=0.25):
    width = len(job["classes"]) if job["classes"] else 1
    shutil.copy(params["model"], os.path.join(job["output"], "model.onnx"))
    json.dump([[answer] * width] * min(1000, job["data"]["rows"]), open(os.path.join(job["output"], "check-predictions.json"), "w"))
`;

/** Past the shims of version managers, which take longer than the scripts. */
const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();

export async function openProgramPlace(): Promise<ProgramPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-program-'));
  const data = join(folder, 'data.parquet');
  const model = join(folder, 'quarter.onnx');
  const featuresFile = join(folder, 'features.mjs');
  await writeFile(model, constantModel({ output: 'probability', answers: [0.25] }));
  await writeFile(
    featuresFile,
    `export const record = { age: 'number', income: 'number', city: 'string' };
     export const features = (row) => ({ age: row.age, income: row.income, city: row.city });`,
  );
  const tables = await openTables();
  await tables.all(
    `COPY (SELECT i AS id, (i % 70)::DOUBLE AS age, (i * 37 % 1000)::DOUBLE AS income, 'city ' || i % 9 AS city, i % 5 = 0 AS bought,
       'kind ' || i % 3 AS kind FROM range(3000) t(i)) TO ${literal(data)} (FORMAT parquet)`,
  );
  tables.close();
  return {
    folder,
    data,
    async job(name, script, { params = {}, trainer = {}, job = {} } = {}) {
      await writeFile(join(folder, `${name}.py`), preamble + script);
      await mkdir(join(folder, name), { recursive: true });
      return {
        parquetFiles: [data],
        dataset: 'people',
        where: 'true',
        featuresFile,
        target: { name: 'bought', task: 'binary', sql: 'bought' },
        trainer: {
          kind: 'program',
          command: [python, `${name}.py`],
          environment: null,
          params: { model, ...params },
          silentForMs: 30_000,
          memoryMiB: null,
          diskMiB: 1_024,
          tolerance: 1e-4,
          ...trainer,
        },
        seed: 7,
        outputFolder: join(folder, name, 'package'),
        checkpointFolder: join(folder, name, 'checkpoints'),
        resume: null,
        program: {
          projectFolder: folder,
          environmentsFolder: join(folder, 'environments'),
          activitiesFile: null,
          devices: [],
        },
        ...job,
      };
    },
    async leftovers(job) {
      const names = await readdir(join(job.outputFolder, '..'));
      return names.filter((each) => each !== 'checkpoints');
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Trains and keeps what was heard. */
export async function trainHeard(
  job: TrainingJob,
  signal: AbortSignal = new AbortController().signal,
  listen: Partial<TrainingEvents> = {},
): Promise<{ readonly result: TrainingResult; readonly heard: readonly string[] }> {
  const heard: string[] = [];
  const result = await train(job, {
    signal,
    onMetric: (point) => {
      heard.push(`${point.name} ${point.step} ${point.value}`);
      listen.onMetric?.(point);
    },
    onCheckpoint: (checkpoint) => {
      heard.push(`checkpoint ${checkpoint.step} ${checkpoint.file}`);
      listen.onCheckpoint?.(checkpoint);
    },
    onProgress: (text) => {
      heard.push(text);
      listen.onProgress?.(text);
    },
  });
  return { result, heard };
}

/** An ONNX file that answers the same to each row of two numbers and a category: numbers · 0 + answers. */
export function constantModel({
  output,
  answers,
}: {
  readonly output: string;
  readonly answers: readonly number[];
}): Uint8Array {
  const floats = (values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);
  const value = (name: string, elemType: number, width: number): OnnxValue => ({
    name,
    type: { tensorType: { elemType, shape: { dim: [{ dimParam: 'rows' }, { dimValue: width }] } } },
  });
  const width = answers.length;
  return encodeOnnx({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    producerName: 'test',
    graph: {
      name: 'constant',
      node: [
        { opType: 'MatMul', name: 'nothing', input: ['numbers', 'zeros'], output: ['zero'] },
        { opType: 'Add', name: 'answer', input: ['zero', 'answers'], output: [output] },
      ],
      initializer: [
        {
          name: 'zeros',
          dims: [2, width],
          dataType: dataType.float,
          rawData: floats(Array.from({ length: 2 * width }, () => 0)),
        },
        { name: 'answers', dims: [width], dataType: dataType.float, rawData: floats(answers) },
      ],
      input: [value('numbers', dataType.float, 2), value('categories', dataType.string, 1)],
      output: [value(output, dataType.float, width)],
    },
  });
}

/** Pids that a script wrote into a file, one a line. */
export async function pidsIn(file: string): Promise<readonly number[]> {
  return (await readFile(file, 'utf8')).trim().split('\n').map(Number);
}
