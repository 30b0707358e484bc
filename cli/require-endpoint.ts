import type { Route } from '../domain/route.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { listRoutes } from '../stores/routes.ts';
import { endpointNotFound } from './route-change.ts';

/**
 * The route of an endpoint, as it stands.
 *
 * @throws CodedError NOT_FOUND, with the endpoint that was perhaps meant.
 */
export async function requireEndpoint(store: ObjectStore, endpoint: string): Promise<Route> {
  const routes = await listRoutes(store);
  const route = routes.find((each) => each.endpoint === endpoint);
  if (route === undefined) throw endpointNotFound(endpoint, routes);
  return route;
}
