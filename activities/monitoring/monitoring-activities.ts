import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingProfile } from '../../domain/drift-report.ts';
import { CodedError } from '../../domain/errors.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { downloadPackage, type LocalPackages } from '../../stores/packages.ts';
import { readRoute } from '../../stores/routes.ts';
import { trafficFiles } from '../../stores/traffic.ts';
import type { MonitoringActivities } from './contract.ts';
import { measureDriftFiles } from './measure-drift.ts';

/** What monitoring needs: the bucket, a local folder for the log's files, and the local packages. */
export type MonitoringDependencies = {
  readonly store: ObjectStore;
  readonly cacheFolder: string;
  readonly packages: LocalPackages;
};

const beginning = '1970-01-01T00:00:00.000Z';

/** The activities that watch an endpoint. They only read, so a retry is harmless. */
export function monitoringActivities(deps: MonitoringDependencies): MonitoringActivities {
  return {
    async measureDrift({ endpoint, model, after, policy }) {
      const version = await championOf(deps.store, endpoint, model);
      const files = await trafficFiles(deps.store, deps.cacheFolder, endpoint, { since: after ?? beginning });
      return measureDriftFiles({ endpoint, version, profile: await readProfile(deps, version), after, policy }, files, {
        temporaryFolder: join(deps.cacheFolder, 'duckdb'),
      });
    },
  };
}

async function championOf(store: ObjectStore, endpoint: string, model: string): Promise<ModelReference> {
  const found = await readRoute(store, endpoint);
  const champion = found?.route.arms.find(({ name, version }) => name === 'champion' && version.model === model);
  if (champion !== undefined) return champion.version;
  throw new CodedError(
    'NOT_FOUND',
    `Endpoint '${endpoint}' has no champion of model '${model}': nothing is to be watched. Run 'perdura routes'.`,
  );
}

async function readProfile(deps: MonitoringDependencies, version: ModelReference): Promise<TrainingProfile> {
  const local = await downloadPackage(deps.store, version, deps.packages);
  return JSON.parse(await readFile(join(local, 'profile.json'), 'utf8')) as TrainingProfile;
}
