import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { ReleaseActivities, ReleaseEnd } from './contract.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { CodedError } from '../../domain/errors.ts';
import { sha256Hex } from '../../stores/digest.ts';
import { moveAlias, rejectVersion } from '../../stores/registry.ts';
import { readRoute, writeRoute } from '../../stores/routes.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { createTrafficMeasurements } from './traffic-measurements.ts';

export type ReleaseDependencies = {
  readonly store: ObjectStore;
  readonly cacheFolder: string;
  readonly client: EndpointClient;
  readonly now: () => string;
};

/** Everything that a release reads and writes: routes, aliases, measurements of live traffic. */
export function releaseActivities(dependencies: ReleaseDependencies): ReleaseActivities {
  const { store, now } = dependencies;
  return {
    ...createTrafficMeasurements(dependencies),
    readRoute: async ({ endpoint }) => (await readRoute(store, endpoint))?.route ?? null,
    writeRoute: ({ change, expectedEpoch }) => writeRoute(store, change, { expectedEpoch, at: now() }),
    changeRoute: (request) => dependencies.client.change(request),
    isOpen: (workflowId) => dependencies.client.isOpen(workflowId),
    async moveAlias({ model, ...move }) {
      await moveAlias(store, model, { ...move, at: now() });
    },
    promoteVersion: (end) => promoteVersion(dependencies, end),
    async rejectVersion(end) {
      await rejectVersion(store, end.version.model, end.version.modelVersion, end.decision.reason);
      await clearChallenger(dependencies, end);
    },
  };
}

async function promoteVersion(dependencies: ReleaseDependencies, end: ReleaseEnd): Promise<void> {
  if (end.decision.outcome !== 'pass') {
    throw new CodedError(
      'INPUT_INVALID',
      `Version ${end.version.modelVersion} of ${end.version.model} cannot be promoted: its decision is '${end.decision.outcome}'. Promote on 'pass', else reject.`,
    );
  }
  await moveAlias(dependencies.store, end.version.model, {
    moveId: `${end.moveId}/champion`,
    alias: 'champion',
    to: end.version.modelVersion,
    who: end.who,
    why: end.decision.reason,
    evidenceSha256: digest(end),
    at: dependencies.now(),
  });
  await clearChallenger(dependencies, end);
}

async function clearChallenger(dependencies: ReleaseDependencies, end: ReleaseEnd): Promise<void> {
  await moveAlias(dependencies.store, end.version.model, {
    moveId: `${end.moveId}/challenger`,
    alias: 'challenger',
    to: null,
    who: end.who,
    why: end.decision.reason,
    evidenceSha256: digest(end),
    at: dependencies.now(),
  });
}

function digest(end: ReleaseEnd): string {
  return sha256Hex(canonicalJson(end.decision));
}
