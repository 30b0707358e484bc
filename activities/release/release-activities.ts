import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { ReleaseActivities, ReleaseEnd } from './contract.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { decideAgain } from '../../domain/decide-again.ts';
import { CodedError } from '../../domain/errors.ts';
import { requireName } from '../../domain/names.ts';
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
    async readRoute({ endpoint }) {
      requireName('endpoint', endpoint);
      return (await readRoute(store, endpoint))?.route ?? null;
    },
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

/** The decision's word is not taken: it must be about this version, and come out as `pass` again from its own measurements. */
async function promoteVersion(dependencies: ReleaseDependencies, end: ReleaseEnd): Promise<void> {
  const { version, decision } = end;
  const name = `Version ${version.modelVersion} of ${version.model}`;
  if (decision.challenger?.packageDigest !== version.packageDigest) {
    throw new CodedError(
      'INPUT_INVALID',
      `${name} cannot be promoted: the decision is about another version. Hand on what evaluate or canary gave for this one.`,
    );
  }
  const again = decideAgain(decision).outcome;
  if (decision.outcome !== 'pass' || again !== 'pass') {
    const says =
      decision.outcome === again ? `'${again}'` : `'${decision.outcome}', but its measurements say '${again}'`;
    throw new CodedError(
      'INPUT_INVALID',
      `${name} cannot be promoted: its decision is ${says}. Promote on 'pass', else reject.`,
    );
  }
  await moveAlias(dependencies.store, version.model, {
    ...move(dependencies, end),
    moveId: `${end.moveId}/champion`,
    alias: 'champion',
    to: version.modelVersion,
  });
  await clearChallenger(dependencies, end);
}

/** Another release's challenger stays. */
async function clearChallenger(dependencies: ReleaseDependencies, end: ReleaseEnd): Promise<void> {
  await moveAlias(
    dependencies.store,
    end.version.model,
    { ...move(dependencies, end), moveId: `${end.moveId}/challenger`, alias: 'challenger', to: null },
    { onlyFrom: end.version.modelVersion },
  );
}

function move(dependencies: ReleaseDependencies, end: ReleaseEnd) {
  return { who: end.who, why: end.decision.reason, evidenceSha256: digest(end), at: dependencies.now() };
}

function digest(end: ReleaseEnd): string {
  return sha256Hex(canonicalJson(end.decision));
}
