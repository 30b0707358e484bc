import type { ChangeRequest } from '../../activities/release/contract.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { Arm, Route } from '../../domain/route.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { findVersion, listModels, readRegistry, versionReference } from '../../stores/registry.ts';
import type { TrustedKeys } from '../../stores/signing/trusted-keys.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { modelNotFound } from '../models.ts';
import { armOf, changeRequest, changingRoute, type RouteOptions, requireRoute, routeFacts } from '../route-change.ts';

/** `perdura routes stage`: loads a version beside the champion on every model server, with no share of the traffic. */
export function routesStage(
  context: Context,
  endpoint: string,
  version: string,
  options: RouteOptions,
): Promise<number> {
  return changingRoute(context, {
    facts: routeFacts,
    plan: ({ store, trusted, id }) => planStage(store, trusted, endpoint, { ...options, version, id }),
    text: ({ arms, epoch }) =>
      `Version ${version} is the challenger of endpoint ${endpoint} without traffic since epoch ${epoch}, beside version ${armOf(arms, 'champion')?.version.modelVersion ?? 'none'}. Send it everything with 'perdura routes switch ${endpoint} --to challenger'.`,
  });
}

/**
 * What staging asks of the endpoint's workflow, from what stands now.
 *
 * @throws CodedError NOT_FOUND for an unknown endpoint or version; ROUTE_UNTRUSTED; INPUT_INVALID when the version is no challenger.
 */
export async function planStage(
  store: ObjectStore,
  trusted: TrustedKeys,
  endpoint: string,
  options: RouteOptions & { readonly version: string; readonly id: string },
): Promise<ChangeRequest> {
  const route = await requireRoute(store, trusted, endpoint);
  const champion = requireChampion(route);
  const version = await readyVersion(store, champion.version, options.version);
  const arms: readonly Arm[] = [champion, { name: 'challenger', version, weight: 0 }];
  return changeRequest(route, arms, { ...options, what: 'stage' });
}

/** A challenger that answers is not put aside for another one. */
function requireChampion({ endpoint, arms }: Route): Arm {
  const [champion, challenger] = [armOf(arms, 'champion'), armOf(arms, 'challenger')];
  if (champion === undefined)
    throw usageError(
      'INPUT_INVALID',
      `Endpoint '${endpoint}' has no champion to stage beside. Promote a version first.`,
    );
  if (challenger !== undefined && challenger.weight > 0)
    throw usageError(
      'INPUT_INVALID',
      `Version ${challenger.version.modelVersion} answers ${challenger.weight} % of endpoint '${endpoint}' as challenger. Switch back first: perdura routes switch ${endpoint} --to champion`,
    );
  return champion;
}

async function readyVersion(
  store: ObjectStore,
  champion: ModelReference,
  modelVersion: string,
): Promise<ModelReference> {
  const { model } = champion;
  const registry = await readRegistry(store, model);
  if (registry === null) throw modelNotFound(model, await listModels(store));
  const { status, reason } = findVersion(registry, modelVersion);
  if (modelVersion === champion.modelVersion)
    throw usageError('INPUT_INVALID', `Version ${modelVersion} of '${model}' is the champion already. Name another.`);
  if (status !== 'ready')
    throw usageError(
      'INPUT_INVALID',
      `Version ${modelVersion} of '${model}' is ${status}${reason === null ? '' : ` (${reason})`}. Name one that is ready.`,
    );
  return versionReference(registry, modelVersion);
}
