import type { Client } from '@temporalio/client';
import type { LoadedChecks } from '../domain/row-checks.ts';
import type { Environment } from '../domain/run.ts';
import type { Project } from '../project/load.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { BuiltBundle } from './bundle.ts';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { dataActivities } from '../activities/data/data-activities.ts';
import { currentCall, currentRun } from '../activities/caller.ts';
import { currentBeat } from '../activities/heartbeat.ts';
import { monitoringActivities } from '../activities/monitoring/monitoring-activities.ts';
import { releaseActivities } from '../activities/release/release-activities.ts';
import { runActivities } from '../activities/run/run-activities.ts';
import type { HoldDevice } from '../activities/training/devices.ts';
import { searchActivities } from '../activities/search/search-activities.ts';
import { trainingActivities } from '../activities/training/training-activities.ts';
import { log } from '@temporalio/activity';
import { CodedError } from '../domain/errors.ts';
import { loadChecks } from '../project/bundle-checks.ts';
import { bundleFeatures } from '../project/bundle-features.ts';
import { buildModule, importModule } from '../project/bundle-module.ts';
import { readPrices } from '../project/prices.ts';
import { trustedKeys } from '../stores/signing/trusted-keys.ts';
import { closedHistories } from './closed-histories.ts';
import { createEndpointClient } from './endpoint-client.ts';

export type ActivityHost = {
  readonly store: ObjectStore;
  readonly client: Client;
  readonly project: Project;
  readonly homeFolder: string;
  /** Shared by all projects: programs, and Python environments. */
  readonly cacheFolder: string;
  /** The Python that makes environments. */
  readonly python: string;
  readonly bundle: BuiltBundle;
  readonly environment: Environment;
  readonly lockfile: Uint8Array | null;
  readonly retainDays: number;
  readonly trustedKeys: readonly string[] | null;
  readonly holdDevice: HoldDevice;
};

/** A worker's activities by name: the framework's and the project's own. */
export type Activities = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

/**
 * Puts the framework's activities and those of the project's `activities.ts` files together.
 *
 * @throws CodedError PROJECT_INVALID when a project's activity has a name that is taken.
 */
export async function hostedActivities(host: ActivityHost): Promise<Activities> {
  const own = frameworkActivities(host);
  const theirs: Record<string, (...args: never[]) => Promise<unknown>> = {};
  for (const pipeline of host.project.pipelines) {
    if (pipeline.activitiesFile === null) continue;
    const module = await importModule(pipeline.activitiesFile, join(host.homeFolder, 'build'));
    for (const [name, value] of Object.entries(module as Record<string, unknown>)) {
      if (typeof value !== 'function') continue;
      if (name in own || name in theirs) throw taken(name, pipeline.activitiesFile);
      theirs[name] = value as (...args: never[]) => Promise<unknown>;
    }
  }
  return { ...own, ...theirs };
}

function frameworkActivities(host: ActivityHost): Activities {
  const { store, homeFolder, client } = host;
  const keysFolder = join(homeFolder, 'keys');
  const shared = {
    store,
    cacheFolder: join(homeFolder, 'cache'),
    keysFolder,
    packages: {
      folder: join(homeFolder, 'packages'),
      trusted: trustedKeys({ keysFolder, files: host.trustedKeys }),
    },
    now: () => new Date().toISOString(),
    beat: currentBeat,
  };
  return {
    ...dataActivities({
      ...shared,
      heartbeat: (note) => currentBeat().note(note),
      who: currentRun,
      callId: currentCall,
      rowChecks: (pipeline) => checksOf(host.project, pipeline, join(homeFolder, 'build')),
    }),
    ...trainingActivities({
      ...shared,
      callId: currentCall,
      workFolder: join(homeFolder, 'work'),
      projectFolder: host.project.folder,
      environmentsFolder: join(host.cacheFolder, 'python'),
      python: host.python,
      holdDevice: host.holdDevice,
      environment: host.environment,
      prices: () => readPrices(host.project.folder),
      bundleFeatures: (pipeline, outputFile) => bundleFeatures(pipelineNamed(host.project, pipeline), outputFile),
      activitiesFile: (functionName) => builtActivities(host.project, functionName, join(homeFolder, 'build')),
    }),
    ...searchActivities({
      ...shared,
      workFolder: join(homeFolder, 'work'),
      prices: () => readPrices(host.project.folder),
      cores: availableParallelism(),
    }),
    ...releaseActivities({ ...shared, client: createEndpointClient(client), report: (line) => log.warn(line) }),
    ...monitoringActivities(shared),
    ...runActivities({
      ...shared,
      retainDays: host.retainDays,
      code: { environment: host.environment, bundleFile: host.bundle.file, lockfile: host.lockfile },
      closedHistories: (run, beat) => closedHistories(client, run, beat),
    }),
  };
}

/** The checks.ts beside the pipeline that asks; a run names its pipeline by the function. */
async function checksOf(project: Project, functionName: string, buildFolder: string): Promise<LoadedChecks | null> {
  const pipeline = project.pipelines.find((each) => each.functionName === functionName);
  if (pipeline === undefined) return null;
  const file = join(pipeline.folder, 'checks.ts');
  const found = await stat(file).catch(() => null);
  return found?.isFile() === true ? loadChecks(file, buildFolder) : null;
}

/** The activities.ts of the pipeline with this function, built for a process of its own. */
async function builtActivities(project: Project, functionName: string, buildFolder: string): Promise<string | null> {
  const file = project.pipelines.find((each) => each.functionName === functionName)?.activitiesFile ?? null;
  return file === null ? null : buildModule(file, buildFolder);
}

function pipelineNamed(project: Project, name: string): Project['pipelines'][number] {
  const found = project.pipelines.find((pipeline) => pipeline.name === name);
  if (found !== undefined) return found;
  throw new CodedError(
    'PIPELINE_NOT_FOUND',
    `The project has no pipeline '${name}' whose features.ts could be used. It has: ${project.pipelines.map((each) => each.name).join(', ')}.`,
  );
}

function taken(name: string, file: string): CodedError {
  return new CodedError('PROJECT_INVALID', `${file} exports an activity '${name}', but that name is taken. Rename it.`);
}
