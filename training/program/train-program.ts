import { lstat, mkdir, realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { CodedError } from '../../domain/errors.ts';
import type { Signature } from '../../domain/model-package.ts';
import { labelColumn, type ProgramReport } from '../../domain/program-job.ts';
import type { ActivityTrainer, ProgramTrainer } from '../../domain/trainer.ts';
import { loadFeatureModule } from '../../stores/feature-module.ts';
import { writePackageFiles } from '../package-files.ts';
import { classProfile, numberProfile } from '../profile.ts';
import type { ProgramPlaces, TrainingJob, TrainingResult } from '../training-job.ts';
import { keepArtifacts } from './artifacts.ts';
import { checkModel } from './check-model.ts';
import { openDataColumns } from './data-columns.ts';
import { featureProfiles, mostProfiledRows } from './feature-profile.ts';
import { outcomeError } from './outcome.ts';
import { commandOf, environmentOf, requirementsFile } from './program-command.ts';
import { type BuiltEnvironment, pythonEnvironment } from './python-environment.ts';
import { type ProgramEnd, supervise } from './supervise.ts';
import { type TrainingData, writeTrainingData } from './training-data.ts';
import { makeWorkFolder, type WorkFolder, writeJob } from './work-folder.ts';

/** What a program or activity trainer is trained with, beside its job. */
export type ProgramRun = {
  readonly attempt: string;
  readonly signal: AbortSignal;
  /** Ends the program at once: nobody waits for it any more. */
  readonly orphaned: AbortSignal;
  readonly onReport: (report: ProgramReport) => Promise<void>;
};

type ProgramTrainingJob = TrainingJob & { readonly trainer: ProgramTrainer | ActivityTrainer };

/**
 * Trains by a program that keeps to docs/reference/program-trainer.md: writes its data, runs it within its limits, checks what it left, and
 * writes the package files.
 *
 * @throws CodedError INPUT_INVALID, DATA_UNREADABLE, FEATURES_INVALID, ENVIRONMENT_UNOBTAINABLE, TRAINING_FAILED, TRAINING_INTERRUPTED,
 * DEVICE_MEMORY_EXHAUSTED, MODEL_INVALID or DISK_FULL; the signal's reason when it was aborted.
 */
export async function trainProgram(job: ProgramTrainingJob, run: ProgramRun): Promise<TrainingResult> {
  const places = requirePlaces(job);
  const tell = (text: string): void => void run.onReport({ perdura: 'progress', text });
  const python = await environmentFor(job.trainer, places, { signal: run.signal, onProgress: tell });
  const command = commandOf(job.trainer, places, python?.folder ?? null);
  const features = await loadFeatureModule(job.featuresFile);
  const work = await makeWorkFolder(job);
  const options = { work, signal: run.signal, onProgress: tell };
  const data = await writeTrainingData(job, features, options);
  tell(`${data.rows} rows written for the trainer`);
  // While the program starts there is a core to spare. Its fault is thrown below, when nothing runs any more.
  const profiling = profileFeatures(work, data);
  profiling.catch(() => undefined);
  const ended = await runProgram({ job, run, work, data, places, command, python, tell });
  const failure = outcomeError(ended, command);
  if (failure !== null) throw failure;
  if (ended.left > 0) tell(`${ended.left} process(es) that the trainer left behind were ended`);
  tell('checking model.onnx');
  const profiles = await profiling;
  const signature: Signature = {
    ...data.names,
    record: features.record,
    target: job.target,
    ...(data.classes === null ? {} : { classes: data.classes }),
  };
  await mkdir(job.outputFolder, { recursive: true });
  const { tolerance } = job.trainer;
  const { lastLines } = ended;
  const checked = { work, signature, tolerance, rows: data.rows, folder: job.outputFolder, lastLines };
  const predictions = await checkModel(checked);
  const prediction =
    data.classes === null ? numberProfile(predictions) : classProfile(predictions, data.classes.length);
  const files = await writePackageFiles({
    folder: job.outputFolder,
    featuresFile: job.featuresFile,
    onnx: join(job.outputFolder, 'model.onnx'),
    signature,
    profile: {
      rows: Math.min(data.rows, mostProfiledRows),
      features: profiles,
      prediction,
      labelShare: data.labelShare,
    },
  });
  return {
    files,
    signature,
    rows: { trained: data.rows, skipped: data.skipped },
    summary: summaryOf(ended),
    python: python === null ? null : { python: python.python, digest: python.digest, packages: python.packages },
    artifacts: await keepArtifacts(work, ended.log, job.outputFolder),
    usage: ended.usage,
  };
}

type ProgramParts = {
  readonly job: ProgramTrainingJob;
  readonly run: ProgramRun;
  readonly work: WorkFolder;
  readonly data: TrainingData;
  readonly places: ProgramPlaces;
  readonly command: readonly string[];
  readonly python: BuiltEnvironment | null;
  readonly tell: (text: string) => void;
};

type Ended = ProgramEnd & {
  readonly lastMetrics: ReadonlyMap<string, { step: number; value: number }>;
  readonly said: string;
};

async function runProgram(parts: ProgramParts): Promise<Ended> {
  const { job, run, work, data, places, command, python, tell } = parts;
  const threads = availableParallelism();
  const { training, check, output, checkpoints } = work;
  await writeJob(work, {
    version: 1,
    task: job.target.task,
    target: job.target.name,
    classes: data.classes,
    params: job.trainer.params,
    seed: job.seed,
    data: { training, check, rows: data.rows, ...data.names, label: labelColumn },
    output,
    checkpoints,
    resume: job.resume,
    threads,
    devices: places.devices,
  });
  const lastMetrics = new Map<string, { step: number; value: number }>();
  let said = '';
  let malformed = 0;
  const ended = await supervise({
    command,
    environment: environmentOf({
      work,
      attempt: run.attempt,
      places,
      environmentFolder: python?.folder ?? null,
      threads,
      worker: process.env,
    }),
    folder: work.current,
    attempt: run.attempt,
    limits: job.trainer,
    measuredFolders: [work.folder, work.checkpoints],
    signal: run.signal,
    orphaned: run.orphaned,
    async onReport(report) {
      if (report.perdura === 'metric') lastMetrics.set(report.name, { step: report.step, value: report.value });
      if (report.perdura === 'progress') said = report.text;
      await run.onReport(report.perdura === 'checkpoint' ? await placed(report, work) : report);
    },
    onMalformed(problem) {
      malformed += 1;
      if (malformed === 1) tell(`a report of the trainer was not understood: ${problem}`);
    },
  });
  return { ...ended, lastMetrics, said };
}

/** The absolute path of a checkpoint that was reported; what is not a whole file of the checkpoints' folder is none. */
async function placed(
  report: Extract<ProgramReport, { perdura: 'checkpoint' }>,
  work: WorkFolder,
): Promise<ProgramReport> {
  const file = join(work.checkpoints, report.file);
  const found = await lstat(file).catch(() => null);
  const inside = found?.isFile() === true && (await isUnder(file, work.checkpoints));
  if (inside) return { ...report, file };
  throw new CodedError(
    'TRAINING_FAILED',
    `The trainer reported the checkpoint '${report.file}', which is no file of its checkpoints' folder. Write it there, whole, before it is reported.`,
  );
}

async function isUnder(file: string, folder: string): Promise<boolean> {
  const way = relative(await realpath(folder), await realpath(file));
  return !way.startsWith('..') && way !== '';
}

async function profileFeatures(work: WorkFolder, data: TrainingData): ReturnType<typeof featureProfiles> {
  const columns = await openDataColumns(work.training);
  try {
    return await featureProfiles(columns, data.names, data.rows);
  } finally {
    columns.close();
  }
}

async function environmentFor(
  trainer: ProgramTrainer | ActivityTrainer,
  places: ProgramPlaces,
  options: { readonly signal: AbortSignal; readonly onProgress: (text: string) => void },
): Promise<BuiltEnvironment | null> {
  if (trainer.kind === 'activity' || trainer.environment === null) return null;
  const file = requirementsFile(trainer.environment.requirements, places.projectFolder);
  const python = places.python === undefined ? {} : { python: places.python };
  return pythonEnvironment(file, places.environmentsFolder, { ...options, ...python });
}

function summaryOf({ lastMetrics, said }: Ended): string {
  const metrics = [...lastMetrics].map(([name, { step, value }]) => `${name} ${value.toFixed(4)} after step ${step}`);
  if (metrics.length > 0) return metrics.slice(0, 3).join(', ');
  return said === '' ? 'trained by a program that reported nothing' : said.slice(0, 200);
}

function requirePlaces({ program }: TrainingJob): ProgramPlaces {
  if (program !== null) return program;
  throw new TypeError('a program trainer needs the places of its parts');
}
