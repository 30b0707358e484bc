import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';

import { CodedError } from '../domain/errors.ts';
import { bundleFile } from './bundle.ts';
import { packagesStayOutside } from './packages.ts';

/** A user's project: package.json and `pipelines/<name>/`. */
export type Project = {
  /** Absolute. */
  readonly folder: string;
  /** The name in package.json. */
  readonly name: string;
  /** Sorted by name. */
  readonly pipelines: readonly PipelineSource[];
};

/** The files of one pipeline, absolute; null where the pipeline has no such file. */
export type PipelineSource = {
  /** The folder's name, kebab-case. */
  readonly name: string;
  /** The function that pipeline.ts exports; also the workflow type. */
  readonly functionName: string;
  readonly folder: string;
  readonly pipelineFile: string;
  readonly featuresFile: string | null;
  readonly activitiesFile: string | null;
  readonly scheduleFile: string | null;
  readonly parametersFile: string | null;
};

const pipelineName = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/**
 * Finds the pipelines of a project and checks that each builds and exports its function, so that a typing error is one clear
 * message here instead of a bundler's page inside a worker.
 *
 * @throws CodedError PROJECT_INVALID naming the file.
 */
export async function loadProject(folder: string): Promise<Project> {
  const root = resolve(folder);
  const name = await projectName(root);
  const folders = await pipelineFolders(root);
  const pipelines = await Promise.all(folders.map((each) => loadPipeline(join(root, 'pipelines', each))));
  return { folder: root, name, pipelines };
}

/** The function that a pipeline's file exports, which is also its workflow type: camelCase of the folder's name. */
export function pipelineFunction(name: string): string {
  return name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

async function projectName(root: string): Promise<string> {
  const file = join(root, 'package.json');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CodedError(
      'PROJECT_INVALID',
      `${root} is not a project: it has no package.json. Change to a project's folder, or make one with 'perdura init <folder>'.`,
      { details: { file } },
    );
  });
  try {
    const { name } = JSON.parse(text) as { readonly name?: unknown };
    return typeof name === 'string' && name !== '' ? name : basename(root);
  } catch (cause) {
    throw new CodedError('PROJECT_INVALID', `${file} is not JSON: ${(cause as Error).message}.`, {
      details: { file },
      cause,
    });
  }
}

async function pipelineFolders(root: string): Promise<readonly string[]> {
  const folder = join(root, 'pipelines');
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => {
    throw new CodedError(
      'PROJECT_INVALID',
      `${root} has no folder pipelines/. Write pipelines/<name>/pipeline.ts, or begin with 'perdura init <folder>'.`,
      { details: { file: folder } },
    );
  });
  return entries
    .filter((entry) => entry.isDirectory() && !/^[._]|^node_modules$/.test(entry.name))
    .map((entry) => entry.name)
    .toSorted();
}

async function loadPipeline(folder: string): Promise<PipelineSource> {
  const name = basename(folder);
  const pipelineFile = join(folder, 'pipeline.ts');
  if (!pipelineName.test(name)) throw invalid(folder, 'is not named in kebab-case, such as late-arrivals. Rename it.');
  if (!(await isFile(pipelineFile)))
    throw invalid(pipelineFile, `is missing. Write it, or move the folder '${name}' out of pipelines/.`);
  const { exports } = await bundleFile(pipelineFile, { platform: 'neutral', plugins: [packagesStayOutside()] });
  const functionName = pipelineFunction(name);
  if (!exports.includes(functionName)) {
    const found = exports.length === 0 ? 'nothing' : exports.join(', ');
    throw invalid(
      pipelineFile,
      `must export the function '${functionName}', named like its folder; it exports ${found}.`,
    );
  }
  const optional = async (file: string): Promise<string | null> =>
    (await isFile(join(folder, file))) ? join(folder, file) : null;
  return {
    name,
    functionName,
    folder,
    pipelineFile,
    featuresFile: await optional('features.ts'),
    activitiesFile: await optional('activities.ts'),
    scheduleFile: await optional('schedule.ts'),
    parametersFile: await optional('parameters.ts'),
  };
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ?? false;
}

function invalid(file: string, text: string): CodedError {
  return new CodedError('PROJECT_INVALID', `${file} ${text}`, { details: { file } });
}
