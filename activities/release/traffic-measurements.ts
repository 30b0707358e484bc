import { join } from 'node:path';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { trafficFiles } from '../../stores/traffic.ts';
import type { ReleaseActivities } from './contract.ts';
import { measureCanaryFiles } from './measure-canary.ts';
import { measureShadowFiles } from './measure-shadow.ts';
import { requireTask } from './require-task.ts';

/** What the measurements of traffic need: the bucket, and a local folder for the log's files. */
export type TrafficDependencies = { readonly store: ObjectStore; readonly cacheFolder: string };

/** The activities that measure live traffic. They only read, so a retry is harmless. */
export function createTrafficMeasurements(
  deps: TrafficDependencies,
): Pick<ReleaseActivities, 'measureShadow' | 'measureCanary'> {
  const options = { temporaryFolder: join(deps.cacheFolder, 'duckdb') };
  return {
    async measureShadow(request) {
      await requireTask(deps.store, request.challenger, request.guardrails);
      const files = await trafficFiles(deps.store, deps.cacheFolder, request.endpoint, { since: request.since });
      return measureShadowFiles(request, files, options);
    },
    async measureCanary(request) {
      await requireTask(deps.store, request.challenger, request.guardrails);
      const files = await trafficFiles(deps.store, deps.cacheFolder, request.endpoint, { since: request.since });
      return measureCanaryFiles(request, files, options);
    },
  };
}
