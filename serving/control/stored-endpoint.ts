import { type EndpointPolicy, openPolicy } from '../../domain/endpoint-policy.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';
import type { Route } from '../../domain/route.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { policyKey, readPolicy, type StoredPolicy } from '../../stores/policies.ts';
import { readRoute, routeKey, type StoredRoute } from '../../stores/routes.ts';
import { requireSignedDocument } from '../../stores/signing/signed-document.ts';
import type { TrustedKey } from '../../stores/signing/trusted-keys.ts';

/** An endpoint as it stands in the bucket, or stood there when this machine served it last. */
export type StoredEndpoint = { readonly route: StoredRoute; readonly policy: StoredPolicy | null };

/** The highest epochs that were in force on this machine. */
export type Epochs = { readonly route: number; readonly policy: number };

/** What changes whenever the route or the policy does. @throws CodedError NOT_FOUND when there is no route; SERVICE_UNAVAILABLE. */
export async function headEndpoint(store: ObjectStore, endpoint: string): Promise<string> {
  const [route, policy] = await Promise.all([
    store.head(routeKey(endpoint)),
    store.head(policyKey(endpoint)).catch((error: unknown) => {
      if (isCoded(error, 'NOT_FOUND')) return null;
      throw error;
    }),
  ]);
  return joinTags(route.etag, policy?.etag);
}

/** As `headEndpoint` would say of it. */
export const tagOf = ({ route, policy }: StoredEndpoint): string => joinTags(route.etag, policy?.etag);

/** The tag of an endpoint, of the etags of its route and its policy. */
export const joinTags = (route: string, policy: string | undefined): string => `${route} ${policy ?? ''}`;

/** Null when there is no route. @throws CodedError ROUTE_UNTRUSTED when its policy was deleted; DATA_UNREADABLE. */
export async function readEndpoint(store: ObjectStore, endpoint: string): Promise<StoredEndpoint | null> {
  const [route, policy] = await Promise.all([readRoute(store, endpoint), readPolicy(store, endpoint)]);
  if (route === null) return null;
  if (policy === null) await requireNeverDeclared(store, endpoint);
  return { route, policy };
}

/**
 * A policy is never taken back, only declared anew: where one was deleted, an endpoint that was shut would be open on every machine that never
 * saw it.
 *
 * @throws CodedError ROUTE_UNTRUSTED.
 */
async function requireNeverDeclared(store: ObjectStore, endpoint: string): Promise<void> {
  const name = policyKey(endpoint);
  const [newest] = await store.versions(name);
  if (newest === undefined) return;
  throw new CodedError(
    'ROUTE_UNTRUSTED',
    `'${name}' was deleted; its newest version in the bucket is ${newest.s3VersionId}. Put that version back, then change it with 'perdura policy set'.`,
    { details: { name, s3VersionId: newest.s3VersionId } },
  );
}

/**
 * Route and policy of an endpoint, once they may come into force.
 *
 * @throws CodedError ROUTE_UNTRUSTED when one is not signed by a trusted key, was altered, is another endpoint's, or older than what was in
 * force here: a signature does not say that a document is the newest.
 */
export function requireTrusted(
  endpoint: string,
  { route, policy }: StoredEndpoint,
  against: { readonly keys: readonly TrustedKey[]; readonly epochs: Epochs },
): { readonly route: Route; readonly policy: EndpointPolicy } {
  requireSignedDocument(routeKey(endpoint), route.route, route.signature, against.keys);
  requireNotOlder(routeKey(endpoint), route.route.epoch, against.epochs.route);
  if (policy !== null) requireSignedDocument(policyKey(endpoint), policy.policy, policy.signature, against.keys);
  const declared = policy?.policy ?? openPolicy(endpoint);
  requireNotOlder(policyKey(endpoint), declared.epoch, against.epochs.policy);
  return { route: route.route, policy: declared };
}

function requireNotOlder(name: string, epoch: number, highest: number): void {
  if (epoch >= highest) return;
  throw new CodedError(
    'ROUTE_UNTRUSTED',
    `'${name}' is at epoch ${epoch}, epoch ${highest} was in force on this machine: an older one was put back. Write a newer one; if the bucket is meant to begin anew, remove the file of this endpoint in the home folder's 'routes'.`,
    { details: { name, epoch, highest } },
  );
}
