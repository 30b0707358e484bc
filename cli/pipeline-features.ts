import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Aggregates } from '../domain/aggregate.ts';
import type { Config } from '../domain/config.ts';
import type { FeatureModule } from '../domain/features.ts';
import { bundleFeatures } from '../project/bundle-features.ts';
import { loadProject } from '../project/load.ts';
import { loadFeatureModule } from '../stores/feature-module.ts';
import { openOnlineStore } from '../stores/online/open-online-store.ts';
import type { OnlineStore } from '../stores/online/online-store.ts';
import { usageError } from './errors.ts';
import { findPipeline } from './pipelines.ts';
import type { Cleanup } from './processes.ts';

/** The features of one pipeline as they are written now, and the online store that its aggregates are kept in. */
export type OpenFeatures = {
  readonly module: FeatureModule;
  readonly aggregates: Aggregates;
  readonly online: OnlineStore;
  /** Removed at the end. */
  readonly scratch: string;
};

/**
 * Builds and loads a pipeline's features.ts and opens the online store; both are let go of at the end.
 *
 * @throws CodedError PIPELINE_NOT_FOUND, FEATURES_INVALID; INPUT_INVALID when it declares no aggregates; SERVICE_UNAVAILABLE.
 */
export async function openPipelineFeatures(
  config: Config,
  name: string,
  cleanup: Pick<Cleanup, 'add'>,
): Promise<OpenFeatures> {
  const pipeline = findPipeline(await loadProject(config.projectFolder), name);
  const scratch = await mkdtemp(join(tmpdir(), 'perdura-features-'));
  cleanup.add(() => rm(scratch, { recursive: true, force: true }));
  const file = join(scratch, 'features.mjs');
  await bundleFeatures(pipeline, file);
  const module = await loadFeatureModule(file);
  const { aggregates } = module;
  if (aggregates === null) {
    throw usageError(
      'INPUT_INVALID',
      `The features.ts of '${pipeline.name}' declares no aggregates, so nothing of it is in the online store. Export 'aggregates' there: see docs/guides/features.md.`,
    );
  }
  const online = await openOnlineStore(config.onlineStore);
  cleanup.add(() => online.close());
  return { module, aggregates, online, scratch };
}
