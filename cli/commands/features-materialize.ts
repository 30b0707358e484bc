import { join, resolve } from 'node:path';

import type { Config } from '../../domain/config.ts';
import { readConfig } from '../../project/config.ts';
import { materialize, type Materialized } from '../../stores/online/materialize.ts';
import { openSlice } from '../../stores/slices.ts';
import { resolveSnapshot } from '../../stores/snapshots/history.ts';
import { openTables } from '../../stores/tables.ts';
import { connectBucket } from '../connect.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { preparedFiles } from '../local-data.ts';
import { openPipelineFeatures } from '../pipeline-features.ts';
import { type Cleanup, withCleanup } from '../processes.ts';
import { countText, shortName } from '../snapshots.ts';

export type FeaturesMaterializeOptions = {
  readonly snapshot?: string;
  readonly files?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly forgetBefore?: string;
};

type Source = { readonly told: string; readonly parquetFiles: readonly string[] };

const progressEvery = 500_000;

/** `perdura features materialize`: brings the events of a pipeline's aggregates into the online store. */
export async function featuresMaterialize(
  context: Context,
  pipeline: string,
  options: FeaturesMaterializeOptions,
): Promise<number> {
  const { output, environment, folder } = context;
  if (options.files !== undefined && options.snapshot !== undefined)
    throw usageError('INPUT_INVALID', 'Events come from --snapshot or from --files, not from both. Leave one out.');
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const { aggregates, online, scratch } = await openPipelineFeatures(config, pipeline, cleanup);
    const dataset = datasetOf(options.snapshot ?? aggregates.dataset);
    if (dataset !== aggregates.dataset) throw otherDataset(options.snapshot ?? '', aggregates.dataset);
    const source = await openSource(context, { ...options, dataset, scratch, config, cleanup });
    const tables = await openTables({ temporaryFolder: scratch });
    cleanup.add(() => Promise.resolve(tables.close()));
    const { since = null, until = null, forgetBefore = null } = options;
    let told = 0;
    const onEvents = (events: number): void => {
      if (events - told < progressEvery) return;
      told = events;
      output.progress(`${countText(events)} events`);
    };
    const request = { aggregates, parquetFiles: source.parquetFiles, since, until, forgetBefore, onEvents };
    const done = await materialize(tables, online, request);
    output.answer({ pipeline, source: source.told, ...done }, () => describe(source.told, done));
    return 0;
  });
}

async function openSource(
  { output, folder }: Context,
  asked: FeaturesMaterializeOptions & {
    readonly dataset: string;
    readonly scratch: string;
    readonly config: Config;
    readonly cleanup: Cleanup;
  },
): Promise<Source> {
  const { files, scratch, config, cleanup } = asked;
  if (files !== undefined) {
    const local = await preparedFiles(
      files.map((name) => ({ name, path: resolve(folder, name) })),
      { scratch, dialect: null },
    );
    return { told: files.join(', '), parquetFiles: local.map(({ path }) => path) };
  }
  const store = await connectBucket(config, { cleanup, onProgress: output.progress });
  const snapshot = await resolveSnapshot(store, asked.snapshot ?? asked.dataset);
  const local = { store, cacheFolder: join(config.homeFolder, 'cache') };
  const { parquetFiles } = await openSlice(local, { snapshot, rows: snapshot.rows });
  return { told: shortName(snapshot), parquetFiles };
}

function datasetOf(name: string): string {
  return name.includes('@') ? name.slice(0, name.lastIndexOf('@')) : name;
}

function otherDataset(name: string, dataset: string): Error {
  return usageError(
    'INPUT_INVALID',
    `'${name}' is no snapshot of '${dataset}', which the aggregates are of. Name one, such as ${dataset}@latest.`,
  );
}

function describe(source: string, { events, newest, forgotten }: Materialized): string {
  const until = newest === null ? '' : `, the newest of ${newest}`;
  const gone = forgotten === 0 ? '' : ` ${countText(forgotten)} old ones were forgotten.`;
  return `${countText(events)} events of ${source} are in the online store${until}.${gone}`;
}
