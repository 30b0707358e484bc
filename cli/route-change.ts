import { randomUUID } from 'node:crypto';

import type { ChangeRequest } from '../activities/release/contract.ts';
import type { Arm, Route } from '../domain/route.ts';
import { CodedError } from '../domain/errors.ts';
import { readConfig } from '../project/config.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { createS3ObjectStore } from '../stores/objects/s3-object-store.ts';
import { listRoutes, readTrustedRoute } from '../stores/routes.ts';
import type { TrustedKeys } from '../stores/signing/trusted-keys.ts';
import { createEndpointClient } from '../workers/endpoint-client.ts';
import { connectWithWorker } from './connect-with-worker.ts';
import type { Context } from './context.ts';
import { localPackages } from './local-packages.ts';
import { suggestion } from './nearest.ts';
import { withCleanup } from './processes.ts';
import { signed } from './snapshots.ts';
import { tellServers } from './tell-servers.ts';

export type RouteOptions = { readonly why: string; readonly who?: string };

/** What a plan is made from; `id` names the change. */
export type RoutePlanning = { readonly store: ObjectStore; readonly trusted: TrustedKeys; readonly id: string };

/** What a change is asked for as, and what is answered once it stands: as JSON, and as text. */
export type RouteChanging<Request extends ChangeRequest> = {
  readonly plan: (planning: RoutePlanning) => Promise<Request>;
  readonly facts: (route: Route, request: Request) => object;
  readonly text: (route: Route, request: Request) => string;
};

/** Has the endpoint's workflow change a route, in turn with releases, and says what came of it and which model servers are behind. */
export function changingRoute<Request extends ChangeRequest>(
  { output, environment, folder }: Context,
  { plan, facts, text }: RouteChanging<Request>,
): Promise<number> {
  const onStopping = () => output.progress('Stopping');
  return withCleanup({ exitCode: 130, onStopping }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const { client, addresses } = await connectWithWorker({ config, output, cleanup, ownWorker: true });
    const store = createS3ObjectStore(addresses.s3);
    cleanup.add(() => Promise.resolve(store.close()));
    const { trusted } = localPackages(config);
    const request = await plan({ store, trusted, id: randomUUID() });
    const route = await createEndpointClient(client).change(request);
    const { endpoint, epoch } = route;
    // The workflow has waited for the servers; who is behind by now says why.
    const behind = await tellServers(output, { what: 'route', endpoint, epoch }, { store, atMostMs: 0 });
    output.answer({ ...facts(route, request), behind }, () => text(route, request));
    return 0;
  });
}

/** Where a route stands after its arms were changed. */
export function routeFacts({ endpoint, epoch, arms }: Route): object {
  return { endpoint, epoch, arms };
}

/**
 * The route that stands.
 *
 * @throws CodedError NOT_FOUND, with the endpoint that was perhaps meant; ROUTE_UNTRUSTED.
 */
export async function requireRoute(store: ObjectStore, trusted: TrustedKeys, endpoint: string): Promise<Route> {
  const route = await readTrustedRoute(store, endpoint, trusted);
  if (route === null) throw endpointNotFound(endpoint, await listRoutes(store));
  return route;
}

/** The same route with other arms, by a person, refused where another one stands by the time of its turn. */
export function changeRequest(
  route: Route,
  arms: readonly Arm[],
  options: RouteOptions & { readonly what: 'stage' | 'switch'; readonly id: string },
): ChangeRequest {
  const { endpoint, shadows, epoch } = route;
  const changeId = `${options.what}/${endpoint}/${options.id}`;
  const who = options.who ?? signed(options.why, options.what).who;
  return {
    change: { endpoint, changeId, arms, shadows, who, why: `${options.what}: ${options.why}` },
    holder: changeId,
    expects: armOf(route.arms, 'champion')?.version ?? null,
    onlyAtEpoch: epoch,
    done: true,
  };
}

/** The arm of a name. */
export function armOf(arms: readonly Arm[], name: Arm['name']): Arm | undefined {
  return arms.find((arm) => arm.name === name);
}

/** NOT_FOUND for an endpoint, with the name that was perhaps meant. */
export function endpointNotFound(endpoint: string, current: readonly Route[]): CodedError {
  const names = current.map((route) => route.endpoint);
  return new CodedError(
    'NOT_FOUND',
    `Endpoint '${endpoint}' not found.${suggestion(endpoint, names)} List them with 'perdura routes'.`,
  );
}
