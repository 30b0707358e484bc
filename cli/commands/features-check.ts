import { join } from 'node:path';

import { CodedError } from '../../domain/errors.ts';
import type { FeatureModule } from '../../domain/features.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';
import { loadFeatureModule } from '../../stores/feature-module.ts';
import { checkFeatures, type FeatureCheck } from '../../stores/online/check-features.ts';
import { downloadPackage } from '../../stores/packages.ts';
import { readRegistry, versionReference } from '../../stores/registry.ts';
import { openSlice } from '../../stores/slices.ts';
import { resolveSnapshot } from '../../stores/snapshots/history.ts';
import { openTables } from '../../stores/tables.ts';
import { beforeTraffic, trafficFiles } from '../../stores/traffic.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { localPackages } from '../local-packages.ts';
import { table } from '../output.ts';
import { countText, type OpenBucket, printable, readingBucket, shortName } from '../snapshots.ts';

export type FeaturesCheckOptions = { readonly snapshot: string; readonly since?: string };

/** `perdura features check`: what was served beside what the lake gives. 0: the same; 1: skew, or nothing could be compared. */
export function featuresCheck(context: Context, endpoint: string, options: FeaturesCheckOptions): Promise<number> {
  return readingBucket(context, async (open) => {
    const snapshot = await resolveSnapshot(open.store, options.snapshot);
    const found = await check(open, endpoint, { ...options, snapshot });
    if (found.requests === 0) throw nothingLogged(endpoint, options.since);
    const skewed = found.features.filter(({ different }) => different > 0);
    const outcome =
      skewed.length > 0 ? 'skew' : found.requests > found.notCovered + found.hidden ? 'same' : 'not compared';
    const answer = { outcome, snapshot: shortName(snapshot), ...found };
    context.output.answer(answer, () => describe(answer));
    return outcome === 'same' ? 0 : 1;
  });
}

async function check(
  { store, config, connect }: OpenBucket,
  endpoint: string,
  asked: { readonly snapshot: SnapshotReference; readonly since?: string },
): Promise<FeatureCheck> {
  const cacheFolder = join(config.homeFolder, 'cache');
  const { snapshot, since = null } = asked;
  const { inference } = await trafficFiles(store, cacheFolder, endpoint, { since: since ?? beforeTraffic });
  if (inference.length === 0) throw nothingLogged(endpoint, asked.since);
  const { parquetFiles } = await openSlice({ store, cacheFolder }, { snapshot, rows: snapshot.rows });
  const tables = await openTables({ temporaryFolder: cacheFolder });
  connect.cleanup.add(() => Promise.resolve(tables.close()));
  return checkFeatures(tables, {
    endpoint,
    inferenceFiles: inference,
    eventFiles: parquetFiles,
    since,
    moduleOf: (model, version) => moduleOf({ store, config }, { model, version, dataset: snapshot.dataset }),
    scratchFolder: join(cacheFolder, 'features-check'),
  });
}

async function moduleOf(
  { store, config }: Pick<OpenBucket, 'store' | 'config'>,
  { model, version, dataset }: { readonly model: string; readonly version: string; readonly dataset: string },
): Promise<FeatureModule> {
  const registry = await readRegistry(store, model);
  if (registry === null)
    throw new CodedError(
      'NOT_FOUND',
      `Model '${model}', which answered requests, is not registered. See 'perdura models'.`,
    );
  const folder = await downloadPackage(store, versionReference(registry, version), localPackages(config));
  const module = await loadFeatureModule(join(folder, 'features.mjs'));
  if (module.aggregates === null || module.aggregates.dataset === dataset) return module;
  throw usageError(
    'INPUT_INVALID',
    `Aggregates of ${model} version ${version} are of '${module.aggregates.dataset}', not of '${dataset}'. Name a snapshot of it, such as ${module.aggregates.dataset}@latest.`,
  );
}

function nothingLogged(endpoint: string, since: string | undefined): CodedError {
  const span = since === undefined ? '' : ` since ${since}`;
  return new CodedError(
    'NOT_FOUND',
    `Endpoint '${endpoint}' has answered no request${span}: nothing is in its log. List endpoints with 'perdura routes'.`,
  );
}

function describe(found: FeatureCheck & { readonly outcome: string; readonly snapshot: string }): string {
  const compared = found.requests - found.notCovered - found.hidden;
  const hidden =
    found.hidden === 0 ? '' : ` ${countText(found.hidden)} more have columns that the log hides: not compared.`;
  const left =
    found.notCovered === 0
      ? ''
      : ` ${countText(found.notCovered)} more look at times that the snapshot does not hold whole: not compared.`;
  const head = `${countText(compared)} ${compared === 1 ? 'answer' : 'answers'} of '${found.endpoint}' compared with ${found.snapshot}: ${found.outcome}.${left}${hidden}`;
  if (compared === 0) return head;
  const rows = found.features.map((one) => [
    printable(one.feature),
    countText(one.compared),
    countText(one.different),
    one.largestDifference === null ? '' : String(one.largestDifference),
    one.requests.map(printable).join(', '),
  ]);
  return `${head}\n\n${table(['FEATURE', 'COMPARED', 'DIFFERENT', 'LARGEST', 'REQUESTS'], rows)}`;
}
