import { openAsBlob } from 'node:fs';
import type { TrainingRecord } from '../../domain/training-record.ts';
import { createObjectCache, type ObjectCache } from '../../stores/object-cache.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { listModels } from '../../stores/registry.ts';
import { listRuns } from '../../stores/runs.ts';
import { openTables } from '../../stores/tables.ts';
import { listTrainingRecords, readMetricPoints } from '../../stores/training-records.ts';
import { listOf, member, type Place, placeOf, tagOf, textOf } from './answers.ts';
import type { MlflowClient } from './client.ts';
import { exportModel } from './export-model.ts';
import { type MlflowRun, pipelineRun, trainingIdentity, trainingRun } from './mlflow-run.ts';

/** What is exported, and with what. */
export type ExportParts = {
  readonly store: ObjectStore;
  readonly client: MlflowClient;
  readonly cacheFolder: string;
  /** Only runs of this pipeline function; null: all. */
  readonly pipeline: string | null;
  readonly say: (text: string) => void;
};

/** How many of each were written now, and how many stood there from an earlier export. */
export type ExportCounts = {
  readonly runs: number;
  readonly trainings: number;
  readonly modelVersions: number;
  readonly already: number;
};

type Written = { readonly created: boolean; readonly place: Place };

/** Runs of MLflow are marked so once they are whole. */
const wholeTag = 'perdura.exported';
/** What the server takes in one call, https://mlflow.org/docs/latest/rest-api.html#log-batch. */
const most = { params: 100, metrics: 1_000 };

/**
 * Mirrors runs, trainings and model versions into MLflow: one experiment a pipeline, one run a run, each training a run below it, registered
 * models with versions and aliases. One way, and repeatable: what carries its identity and is whole is left as it is, what an export that
 * was ended half-way left is written anew, aliases are moved. Runs that have not ended are left for a later export. Two exports into one
 * server at once may write a run twice: MLflow has no write that only the first wins.
 *
 * @throws CodedError as the client does; EVIDENCE_ALTERED, PACKAGE_ALTERED when the bucket does not hold what was recorded.
 */
export async function exportToMlflow(parts: ExportParts): Promise<ExportCounts> {
  const counts = { runs: 0, trainings: 0, modelVersions: 0, already: 0 };
  const cache = createObjectCache(parts.store, parts.cacheFolder);
  const trained = new Map<string, Place>();
  const all = await listRuns(parts.store, parts.pipeline === null ? {} : { pipeline: parts.pipeline });
  for (const run of all.toReversed()) {
    if (run.outcome === null) continue;
    parts.say(`Exporting ${run.start.workflowId}`);
    const experiment = await experimentOf(parts.client, run.start.pipeline);
    const own = await writeRun(parts.client, experiment, pipelineRun(run));
    counts[own.created ? 'runs' : 'already'] += 1;
    for (const record of await listTrainingRecords(parts.store, run.start)) {
      const below = { experiment, parent: own.place.runId, cache };
      const { created, place } = await writeTraining(parts.client, record, below);
      counts[created ? 'trainings' : 'already'] += 1;
      trained.set(trainingIdentity(run.start, record.stepId), place);
    }
  }
  for (const registry of await listModels(parts.store)) {
    const written = await exportModel({ ...parts, cache }, registry, trained);
    counts.modelVersions += written.created;
    counts.already += written.already;
  }
  return counts;
}

async function experimentOf(client: MlflowClient, name: string): Promise<string> {
  const found = await client.find('experiments/get-by-name', { experiment_name: name });
  if (found !== null) return textOf(member(found, 'experiment'), 'experiment_id');
  return textOf(await client.call('POST', 'experiments/create', { name }), 'experiment_id');
}

/** A run that carries its identity and is not whole is what an export left that was ended half-way: it is deleted and written anew. */
async function writeRun(
  client: MlflowClient,
  experiment: string,
  run: MlflowRun,
  more: (place: Place) => Promise<void> = () => Promise.resolve(),
): Promise<Written> {
  const found = await client.call('POST', 'runs/search', {
    experiment_ids: [experiment],
    filter: `tags."perdura.identity" = '${run.identity}'`,
    max_results: 100,
  });
  const standing = listOf(found, 'runs');
  const whole = standing.find((each) => tagOf(each, wholeTag) === 'true');
  if (whole !== undefined) return { created: false, place: placeOf(whole) };
  for (const half of standing) await client.call('POST', 'runs/delete', { run_id: placeOf(half).runId });
  const made = await client.call('POST', 'runs/create', {
    experiment_id: experiment,
    run_name: run.name,
    start_time: run.startTime,
    tags: [...run.tags, { key: 'perdura.identity', value: run.identity }],
  });
  const place = placeOf(member(made, 'run'));
  for (const params of chunks(run.params, most.params))
    await client.call('POST', 'runs/log-batch', { run_id: place.runId, params });
  for (const metrics of chunks(run.metrics, most.metrics))
    await client.call('POST', 'runs/log-batch', { run_id: place.runId, metrics });
  await more(place);
  const { status, endTime } = run;
  await client.call('POST', 'runs/update', { run_id: place.runId, status, end_time: endTime });
  await client.call('POST', 'runs/set-tag', { run_id: place.runId, key: wholeTag, value: 'true' });
  return { created: true, place };
}

async function writeTraining(
  client: MlflowClient,
  record: TrainingRecord,
  below: { readonly experiment: string; readonly parent: string; readonly cache: ObjectCache },
): Promise<Written> {
  const { experiment, parent, cache } = below;
  const points = record.points === null ? [] : await pointsIn(await cache.localFile(record.points));
  return writeRun(client, experiment, trainingRun(record, points, parent), async ({ runId, artifactUri }) => {
    await client.call('POST', 'runs/log-inputs', { run_id: runId, datasets: [datasetOf(record)] });
    await client.putArtifact(artifactUri, 'training.json', new Blob([JSON.stringify(record, null, 2)]));
    for (const pin of record.artifacts)
      await client.putArtifact(artifactUri, artifactName(pin.key), await openAsBlob(await cache.localFile(pin)));
  });
}

/** MLflow keeps 36 characters of a digest; the whole one stands in the source. */
function datasetOf({ data }: TrainingRecord): Readonly<Record<string, unknown>> {
  const { dataset, digest } = data.snapshot;
  return {
    tags: [{ key: 'mlflow.data.context', value: 'training' }],
    dataset: { name: dataset, digest: digest.slice(0, 36), source_type: 'perdura', source: JSON.stringify(data) },
  };
}

/** Where a program put it below its output folder: two files of one name in two folders are two files. */
function artifactName(key: string): string {
  return key.replace(/^.*?\/artifacts\/.*?\/attempt-\d+\//, '');
}

async function pointsIn(file: string): Promise<Awaited<ReturnType<typeof readMetricPoints>>> {
  const tables = await openTables();
  try {
    return await readMetricPoints(tables, file);
  } finally {
    tables.close();
  }
}

function chunks<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, place) =>
    items.slice(place * size, (place + 1) * size),
  );
}
