import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isQualityMetric, qualityMetrics } from '../../domain/evaluation/metrics.ts';
import { CodedError } from '../../domain/errors.ts';
import { packageFiles } from '../../domain/model-package.ts';
import type { TrainedModel } from '../../domain/trainer.ts';
import type { TrainingRecord } from '../../domain/training-record.ts';
import { createObjectCache, type ObjectCache } from '../../stores/object-cache.ts';
import { openSlice } from '../../stores/slices.ts';
import { scoreRows } from '../../training/score.ts';
import type { SearchActivities, TrialScore } from './contract.ts';
import type { SearchDependencies } from './dependencies.ts';

type Request = Parameters<SearchActivities['scoreTrial']>[0];

/**
 * Scores the validation rows with the files that a trial left, and reads from its record what it cost. A result that was found in the step
 * cache cost nothing here.
 *
 * @throws CodedError INPUT_INVALID for an objective that the task does not have; those of `scoreRows`.
 */
export async function scoreTrial(dependencies: SearchDependencies, request: Request): Promise<TrialScore> {
  const { trained, validation, objective } = request;
  const { task } = trained.signature.target;
  const { metric } = objective;
  const definition = isQualityMetric(metric) ? qualityMetrics[metric] : null;
  if (definition === null || !definition.tasks.includes(task)) throw unknownObjective(metric, task);

  const beat = dependencies.beat();
  const cache = createObjectCache(dependencies.store, dependencies.cacheFolder);
  await mkdir(dependencies.workFolder, { recursive: true });
  const scratch = await mkdtemp(join(dependencies.workFolder, 'trial-'));
  try {
    await fetchFiles(cache, trained, scratch);
    const scores = await scoreRows({
      ...(await openSlice(dependencies, validation)),
      dataset: validation.snapshot.dataset,
      workFolder: scratch,
      packageFolder: scratch,
      signal: beat.signal,
      onRows: (rows) => beat.note(`${rows} rows scored`),
    });
    const score = definition.value({ ...scores, task, threshold: 0.5, quantile: 0.5 });
    return { score, rows: scores.labels.length, ...(await spentOn(cache, trained)) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Copies, not links: a module is found by the name of its real path. */
async function fetchFiles(cache: ObjectCache, trained: TrainedModel, folder: string): Promise<void> {
  for (const name of packageFiles) await copyFile(await cache.localFile(trained.files[name]), join(folder, name));
}

async function spentOn(cache: ObjectCache, trained: TrainedModel): Promise<Pick<TrialScore, 'cost' | 'attempts'>> {
  const { cost, attempt } = JSON.parse(await readFile(await cache.localFile(trained.record), 'utf8')) as TrainingRecord;
  if (cost === null) return { cost: null, attempts: attempt };
  return { cost: trained.cache.outcome === 'hit' ? 0 : cost.amount, attempts: attempt };
}

function unknownObjective(metric: string, task: Request['trained']['signature']['target']['task']): CodedError {
  const known = Object.entries(qualityMetrics).flatMap(([name, { tasks }]) => (tasks.includes(task) ? [name] : []));
  return new CodedError(
    'INPUT_INVALID',
    `A search for a ${task} target cannot go by '${metric}'. Use one of: ${known.join(', ')}.`,
  );
}
