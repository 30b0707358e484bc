import { join } from 'node:path';
import { replayRun } from '../../audit/replay.ts';
import { isCoded } from '../../domain/errors.ts';
import { type RunKey, runFolder } from '../../domain/run.ts';
import { readRegistry } from '../../stores/registry.ts';
import { routeHistory } from '../../stores/routes.ts';
import { readRun } from '../../stores/runs.ts';
import type { Stage } from './harness.ts';

/** What one run left in the bucket, counted: where every effect happened once, it looks like `releasedOnce`. */
export async function effectsOf(stage: Stage, run: RunKey) {
  const { store } = stage;
  const [{ outcome }, registry] = [await readRun(store, run), await readRegistry(store, 'flights')];
  const versions = registry?.versions.filter((version) => version.run.runId === run.runId) ?? [];
  const moves = registry?.moves.filter((move) => move.moveId.startsWith(`${run.workflowId}/${run.runId}/`)) ?? [];
  return {
    status: outcome?.status,
    outcome: outcome?.outcome,
    steps: outcome?.steps.map(({ step, status }) => `${step} ${status}`),
    versions: versions.map(({ status }) => status),
    moves: moves.map(({ alias, to }) => `${alias} ${to === null ? 'cleared' : versionName(to, versions)}`),
    isChampion: versions.some(({ modelVersion }) => registry?.aliases.champion === modelVersion),
    routes: await routesOf(stage, run),
    writtenMoreThanOnce: await writtenMoreThanOnce(stage, `${runFolder(run)}`),
    replay: await replay(stage, run),
  };
}

function versionName(modelVersion: string, own: readonly { readonly modelVersion: string }[]): string {
  return own.some((version) => version.modelVersion === modelVersion) ? 'own version' : `version ${modelVersion}`;
}

/** This run's route changes, oldest first, by the step that made them and the challenger's weight. */
async function routesOf(stage: Stage, run: RunKey): Promise<readonly string[]> {
  const own = `${run.workflowId}/${run.runId}/`;
  const routes = (await routeHistory(stage.store, 'flights')).toReversed();
  return routes
    .filter(({ changeId }) => changeId.startsWith(own))
    .map(
      ({ changeId, arms }) =>
        `${changeId.slice(own.length)}: ${arms.map((arm) => `${arm.name} ${arm.weight}`).join(',')}`,
    );
}

/** Objects below a folder that have more than one S3 version: a step that was done twice leaves one. Attempts of a training move theirs. */
async function writtenMoreThanOnce(stage: Stage, folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key } of stage.store.list(folder)) {
    if (!key.endsWith('/attempt.json') && (await stage.store.versions(key)).length > 1) found.push(key);
  }
  return found;
}

/** `IDENTICAL`, or the first difference. */
async function replay(stage: Stage, run: RunKey): Promise<string> {
  const cacheFolder = join(stage.homeFolder, 'audit-cache');
  const report = await replayRun({ store: stage.store, cacheFolder }, run);
  return report.firstDifference ?? report.verdict;
}

/** The effects of a release that was promoted, each once. */
export function releasedOnce(weights: readonly number[]) {
  return {
    status: 'completed',
    outcome: 'promoted',
    steps: ['snapshot', 'validate', 'split', 'train', 'register', 'evaluate', 'shadow', 'canary', 'promote'].map(
      (step) => `${step} completed`,
    ),
    versions: ['ready'],
    moves: ['challenger own version', 'champion own version', 'challenger cleared'],
    isChampion: true,
    routes: [
      '6-shadow: champion 100',
      ...weights.map((weight, index) => `7-canary-${index}-${weight}: champion ${100 - weight},challenger ${weight}`),
      '8-promote: champion 100',
    ],
    writtenMoreThanOnce: [],
    replay: 'IDENTICAL',
  };
}

/** Epochs of the endpoint's routes, oldest first: they grow by one with each, whatever happened. */
export async function epochs(stage: Stage): Promise<readonly number[]> {
  return (await routeHistory(stage.store, 'flights')).map(({ epoch }) => epoch).toReversed();
}

/** Whether an object is there. */
export async function exists(stage: Stage, key: string): Promise<boolean> {
  return stage.store.head(key).then(
    () => true,
    (error: unknown) => {
      if (isCoded(error, 'NOT_FOUND')) return false;
      throw error;
    },
  );
}
