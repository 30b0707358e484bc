import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { ReleaseActivities, ReleaseEnd, RollBack } from './contract.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { decideAgain } from '../../domain/decide-again.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';
import type { Route } from '../../domain/route.ts';
import { sha256Hex } from '../../stores/digest.ts';
import { type LocalPackages, verifyPackage } from '../../stores/packages.ts';
import { moveAlias, rejectVersion } from '../../stores/registry.ts';
import { readTrustedRoute, writeRoute } from '../../stores/routes.ts';
import { openTrustedSigningKey } from '../../stores/signing/trusted-keys.ts';
import type { Beat } from '../heartbeat.ts';
import { announce } from './announce.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { createTrafficMeasurements } from './traffic-measurements.ts';

export type ReleaseDependencies = {
  readonly store: ObjectStore;
  readonly cacheFolder: string;
  readonly packages: LocalPackages;
  /** Has the key that routes are signed with, made on first use. */
  readonly keysFolder: string;
  readonly client: EndpointClient;
  readonly now: () => string;
  readonly beat: () => Pick<Beat, 'signal'>;
  /** One line for whoever runs the worker. */
  readonly report: (line: string) => void;
};

/** Below the 20 seconds that the workflow gives the activity, with the write. */
const writeAndWaitMs = 17_000;
const waitForServersMs = 15_000;

/** Everything that a release reads and writes: routes, aliases, measurements of live traffic. */
export function releaseActivities(dependencies: ReleaseDependencies): ReleaseActivities {
  const { store, now } = dependencies;
  return {
    ...createTrafficMeasurements(dependencies),
    readRoute: ({ endpoint }) => readTrustedRoute(store, endpoint, dependencies.packages.trusted),
    writeRoute: (request) => writeNextRoute(dependencies, request),
    changeRoute: (request) => dependencies.client.change(request),
    isOpen: (workflowId) => dependencies.client.isOpen(workflowId),
    async moveAlias({ model, ...move }) {
      await moveAlias(store, model, { ...move, at: now() });
    },
    promoteVersion: (end) => promoteVersion(dependencies, end),
    rollBackVersion: (request) => rollBackVersion(dependencies, request),
    async rejectVersion(end) {
      await rejectVersion(store, end.version.model, end.version.modelVersion, end.decision.reason);
      await clearChallenger(dependencies, end);
    },
  };
}

/** Idempotent by changeId: an attempt that comes again finds its route and waits for the servers anew. */
async function writeNextRoute(
  dependencies: ReleaseDependencies,
  { change, expectedEpoch }: Parameters<ReleaseActivities['writeRoute']>[0],
): Promise<Route> {
  const { store, now, keysFolder, packages, beat, report } = dependencies;
  const began = performance.now();
  const key = await openTrustedSigningKey(keysFolder, packages.trusted, 'ROUTE_UNTRUSTED');
  const route = await writeRoute(store, change, { expectedEpoch, at: now(), key });
  const { endpoint, epoch } = route;
  const atMostMs = Math.min(waitForServersMs, writeAndWaitMs - (performance.now() - began));
  try {
    const { signal } = beat();
    const { behind } = await announce({ what: 'route', endpoint, epoch }, { store, now, atMostMs, signal });
    for (const line of behind) report(line);
  } catch (error) {
    // The route stands. An outage of the bucket now must not have it written off.
    if (!isCoded(error, 'SERVICE_UNAVAILABLE')) throw error;
    report(`Nobody knows whether all model servers have epoch ${epoch} of endpoint '${endpoint}': ${error.message}`);
  }
  return route;
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
  // The package in the bucket, not this machine's copy of it: that is what model servers will fetch.
  await verifyPackage(dependencies.store, version, dependencies.packages.trusted);
  await moveAlias(dependencies.store, version.model, {
    ...move(dependencies, end),
    moveId: `${end.moveId}/champion`,
    alias: 'champion',
    to: version.modelVersion,
  });
  await clearChallenger(dependencies, end);
}

/** The alias alone; the endpoint's route goes with it in the same turn of its workflow. */
async function rollBackVersion({ store, packages, now }: ReleaseDependencies, request: RollBack): Promise<void> {
  const { to, from, moveId, who, why } = request;
  await verifyPackage(store, to, packages.trusted);
  const evidenceSha256 = sha256Hex(canonicalJson(request));
  const { model, modelVersion } = to;
  const { registry } = await moveAlias(
    store,
    model,
    { moveId, alias: 'champion', to: modelVersion, at: now(), who, why, evidenceSha256 },
    { onlyFrom: from },
  );
  if (registry.moves.some((move) => move.moveId === moveId)) return;
  throw new CodedError(
    'CONFLICT',
    `The champion of model '${model}' is ${registry.aliases.champion ?? 'none'} by now, not ${from}. Look at it with 'perdura models ${model}' and decide anew.`,
    { details: { model, champion: registry.aliases.champion ?? null, from } },
  );
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
