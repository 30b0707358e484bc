import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../../domain/errors.ts';
import type { ActivityTrainer, ProgramTrainer } from '../../domain/trainer.ts';
import type { ProgramPlaces } from '../training-job.ts';
import type { WorkFolder } from './work-folder.ts';

const inSources = import.meta.url.endsWith('.ts');
/** Perdura's own trainers, and their Python library. */
export const trainersFolder = fileURLToPath(
  new URL(inSources ? '../../trainers' : '../../../trainers', import.meta.url),
);
const activityProcess = fileURLToPath(
  new URL(inSources ? '../../dist/training/program/activity-process.js' : './activity-process.js', import.meta.url),
);

/** The requirements file that a trainer names: Perdura's own, or a path relative to the project. */
export function requirementsFile(requirements: string, projectFolder: string): string {
  const own = /^perdura:([a-z][a-z0-9-]*)$/.exec(requirements)?.[1];
  return own === undefined ? resolve(projectFolder, requirements) : join(trainersFolder, 'requirements', `${own}.txt`);
}

/**
 * The command line of a trainer. The first word is a program of the environment, a path of the project where it has a slash, or a
 * program of the PATH; an argument that names a file of the project becomes its absolute path.
 *
 * @throws CodedError INPUT_INVALID when there is no command, or no activities.ts to take a function of.
 */
export function commandOf(
  trainer: ProgramTrainer | ActivityTrainer,
  places: ProgramPlaces,
  environmentFolder: string | null,
): readonly string[] {
  if (trainer.kind === 'activity') return activityCommand(trainer, places);
  const [word = '', ...args] = trainer.command;
  if (word === '')
    throw new CodedError(
      'INPUT_INVALID',
      "The trainer's command is empty. Name a program: program({ command: ['python', 'train.py'] }).",
    );
  return [programOf(word, places, environmentFolder), ...args.map((arg) => projectFile(arg, places) ?? arg)];
}

/** What the program finds in its environment: nothing but this. */
export function environmentOf(options: {
  readonly work: WorkFolder;
  readonly attempt: string;
  readonly places: ProgramPlaces;
  readonly environmentFolder: string | null;
  readonly threads: number;
  readonly worker: NodeJS.ProcessEnv;
}): Readonly<Record<string, string>> {
  const { work, worker, environmentFolder } = options;
  const path = worker['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  return {
    PERDURA_JOB: work.jobFile,
    PERDURA_ATTEMPT: options.attempt,
    PATH: environmentFolder === null ? path : `${join(environmentFolder, 'bin')}:${path}`,
    HOME: worker['HOME'] ?? work.temporary,
    LANG: worker['LANG'] ?? 'C.UTF-8',
    TMPDIR: work.temporary,
    PYTHONPATH: trainersFolder,
    PYTHONUNBUFFERED: '1',
    PYTHONNOUSERSITE: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONHASHSEED: '0',
    OMP_NUM_THREADS: String(options.threads),
    CUDA_VISIBLE_DEVICES: options.places.devices.join(','),
  };
}

function activityCommand(trainer: ActivityTrainer, { activitiesFile }: ProgramPlaces): readonly string[] {
  if (activitiesFile !== null) return [process.execPath, activityProcess, activitiesFile, trainer.name];
  throw new CodedError(
    'INPUT_INVALID',
    `The trainer '${trainer.name}' is to be a function of the pipeline's activities.ts, and the pipeline has none. Write it there, exported.`,
  );
}

/** Found here, because the program's own PATH is what counts, not this process's. */
function programOf(word: string, { projectFolder }: ProgramPlaces, environmentFolder: string | null): string {
  if (word.includes('/')) return isAbsolute(word) ? word : resolve(projectFolder, word);
  const own = environmentFolder === null ? null : join(environmentFolder, 'bin', word);
  return own !== null && existsSync(own) ? own : word;
}

function projectFile(arg: string, { projectFolder }: ProgramPlaces): string | null {
  if (arg === '' || arg.startsWith('-') || isAbsolute(arg)) return null;
  const file = resolve(projectFolder, arg);
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? file : null;
}
