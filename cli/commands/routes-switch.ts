import type { ChangeRequest } from '../../activities/release/contract.ts';
import { CodedError } from '../../domain/errors.ts';
import type { Arm, Route } from '../../domain/route.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { readServerReports } from '../../stores/server-reports.ts';
import type { TrustedKeys } from '../../stores/signing/trusted-keys.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { armOf, changeRequest, changingRoute, type RouteOptions, requireRoute, routeFacts } from '../route-change.ts';

export type RoutesSwitchOptions = RouteOptions & { readonly to: Arm['name'] };

/** `perdura routes switch`: all traffic to the challenger that is loaded, or back to the champion. */
export function routesSwitch(context: Context, endpoint: string, options: RoutesSwitchOptions): Promise<number> {
  return changingRoute(context, {
    facts: routeFacts,
    plan: ({ store, trusted, id }) => planSwitch(store, trusted, endpoint, { ...options, id }),
    text: ({ arms, epoch }) =>
      `The ${options.to}, version ${armOf(arms, options.to)?.version.modelVersion ?? 'none'}, answers everything on endpoint ${endpoint} since epoch ${epoch}.`,
  });
}

/**
 * What switching asks of the endpoint's workflow, from what stands now.
 *
 * @throws CodedError NOT_FOUND for an unknown endpoint; ROUTE_UNTRUSTED; INPUT_INVALID without a challenger, or where nothing would change;
 * CONFLICT when a model server has not loaded the challenger.
 */
export async function planSwitch(
  store: ObjectStore,
  trusted: TrustedKeys,
  endpoint: string,
  options: RoutesSwitchOptions & { readonly id: string },
): Promise<ChangeRequest> {
  const route = await requireRoute(store, trusted, endpoint);
  const target = armOf(route.arms, options.to);
  if (target === undefined)
    throw usageError(
      'INPUT_INVALID',
      `Endpoint '${endpoint}' has no ${options.to}. Load one first: perdura routes stage ${endpoint} <version> --why <reason>`,
    );
  if (target.weight === 100)
    throw usageError(
      'INPUT_INVALID',
      `The ${options.to} of endpoint '${endpoint}' answers everything already, since epoch ${route.epoch}.`,
    );
  if (options.to === 'challenger') await requireLoaded(store, route);
  const arms = route.arms.map((arm) => ({ ...arm, weight: arm.name === options.to ? 100 : 0 }));
  return changeRequest(route, arms, { ...options, what: 'switch' });
}

/** The way back is never barred; the way forth is to what all servers hold ready, or the switch would not be an instant one. */
async function requireLoaded(store: ObjectStore, { endpoint, epoch }: Route): Promise<void> {
  const reports = await readServerReports(store, new Date().toISOString());
  const behind = reports.flatMap(({ replica, endpoints }) => {
    const reported = endpoints.find((each) => each.endpoint === endpoint);
    if (reported?.epoch === epoch) return [];
    return [`'${replica}'${reported?.problem == null ? '' : ` (${reported.problem.message})`}`];
  });
  if (behind.length === 0) return;
  throw new CodedError(
    'CONFLICT',
    `Not all model servers hold epoch ${epoch} of endpoint '${endpoint}' ready: ${behind.join(', ')}. Wait a moment and switch again, or mend what they say.`,
    { details: { endpoint, epoch, behind: behind.length } },
  );
}
