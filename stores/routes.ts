import { CodedError } from '../domain/errors.ts';
import { requireName } from '../domain/names.ts';
import type { Arm, Route, RouteChange } from '../domain/route.ts';
import { parseDocument, readDocument, updateDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';
import { isSignedDocument, requireSignedDocument, signDocument } from './signing/signed-document.ts';
import type { SignatureBundle, SigningKey } from './signing/signing.ts';
import type { TrustedKeys } from './signing/trusted-keys.ts';

const parallelReads = 16;

/** A route as it stands in the bucket. `signature` is not checked: who follows it does that with `requireSignedDocument`. */
export type StoredRoute = {
  readonly route: Route;
  /** What `head` of the same key shows while it stands. */
  readonly etag: string;
  /** Null: it was never signed. */
  readonly signature: SignatureBundle | null;
};

type SignedRoute = Route & { readonly signature?: SignatureBundle };

/** An endpoint's route; null when there is none. */
export async function readRoute(store: ObjectStore, endpoint: string): Promise<StoredRoute | null> {
  const found = await readDocument<SignedRoute>(store, routeKey(endpoint));
  if (found === null) return null;
  const { signature = null, ...route } = found.value;
  return { route, etag: found.version.etag, signature };
}

/**
 * An endpoint's route, for whoever builds the next one on it: what a stranger wrote is not signed anew. Null when there is none.
 *
 * @throws CodedError ROUTE_UNTRUSTED; INPUT_INVALID for a name that is none.
 */
export async function readTrustedRoute(
  store: ObjectStore,
  endpoint: string,
  trusted: TrustedKeys,
): Promise<Route | null> {
  requireName('endpoint', endpoint);
  const found = await readRoute(store, endpoint);
  if (found === null) return null;
  requireSignedDocument(routeKey(endpoint), found.route, found.signature, await trusted());
  return found.route;
}

/**
 * Writes the next route by compare-and-set, signed; `expectedEpoch` is the epoch it replaces (0: none yet). Idempotent by changeId: a
 * repeated step finds its own route.
 *
 * @throws CodedError CONFLICT when another epoch stands there; INPUT_INVALID when the endpoint's name or the arms do not hold up.
 */
export async function writeRoute(
  store: ObjectStore,
  change: RouteChange,
  options: { readonly expectedEpoch: number; readonly at: string; readonly key: SigningKey },
): Promise<Route> {
  requireName('endpoint', change.endpoint);
  checkArms(change.endpoint, change.arms);
  const { value } = await updateDocument<SignedRoute>(store, routeKey(change.endpoint), (current) => {
    if (current?.changeId === change.changeId) return current;
    const epoch = current?.epoch ?? 0;
    if (epoch !== options.expectedEpoch)
      throw new CodedError(
        'CONFLICT',
        `The route of endpoint '${change.endpoint}' is at epoch ${epoch}, not ${options.expectedEpoch}. Read it again and decide anew.`,
        { details: { endpoint: change.endpoint, epoch, expectedEpoch: options.expectedEpoch } },
      );
    const { endpoint, changeId, arms, shadows, who, why } = change;
    const route = { endpoint, changeId, arms, shadows, who, why, epoch: epoch + 1, at: options.at };
    return { ...route, signature: signDocument(options.key, routeKey(endpoint), route) };
  });
  return withoutSignature(value);
}

/**
 * Signs the route that stands, for a person who vouches for it, with an epoch above all that this endpoint ever had. Null when a trusted key
 * has signed it already: then nothing is written.
 *
 * @throws CodedError NOT_FOUND; INPUT_INVALID when its arms do not hold up.
 */
export async function signRoute(
  store: ObjectStore,
  endpoint: string,
  by: Pick<Route, 'changeId' | 'at' | 'who' | 'why'> & { readonly key: SigningKey; readonly trusted: TrustedKeys },
): Promise<Route | null> {
  requireName('endpoint', endpoint);
  const { key, trusted, ...vouching } = by;
  const [keys, earlier] = [await trusted(), await routeHistory(store, endpoint)];
  const name = routeKey(endpoint);
  const { value, changed } = await updateDocument<SignedRoute>(store, name, (current) => {
    if (current === null) throw new CodedError('NOT_FOUND', `Endpoint '${endpoint}' has no route to sign.`);
    const { signature, ...standing } = current;
    if (isSignedDocument(name, standing, signature, keys)) return current;
    const epoch = 1 + Math.max(standing.epoch, ...earlier.map((route) => route.epoch));
    checkArms(endpoint, standing.arms);
    const route = { ...standing, ...vouching, endpoint, epoch };
    return { ...route, signature: signDocument(key, name, route) };
  });
  return changed || value.changeId === by.changeId ? withoutSignature(value) : null;
}

/** All endpoints' routes, by endpoint. */
export async function listRoutes(store: ObjectStore): Promise<readonly Route[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('routes/')) if (key.endsWith('.json')) keys.push(key);
  const found = await mapParallel(keys, parallelReads, (key) => readDocument<SignedRoute>(store, key));
  return found.flatMap((document) => (document === null ? [] : [withoutSignature(document.value)]));
}

/** Every route that an endpoint ever had, newest first, from the bucket's own versions. */
export async function routeHistory(store: ObjectStore, endpoint: string): Promise<readonly Route[]> {
  const key = routeKey(endpoint);
  const versions = await store.versions(key);
  return mapParallel(versions, parallelReads, async ({ s3VersionId }) =>
    withoutSignature(parseDocument<SignedRoute>(key, (await store.read(key, { s3VersionId })).bytes)),
  );
}

function checkArms(endpoint: string, arms: readonly Arm[]): void {
  const total = arms.reduce((sum, arm) => sum + arm.weight, 0);
  const weights = arms.map(({ name, weight }) => `${name} ${weight}`).join(', ') || 'no arms';
  const bad =
    arms.some(({ weight }) => !(weight >= 0)) || new Set(arms.map(({ name }) => name)).size !== arms.length
      ? 'each arm needs a name of its own and a weight of at least 0'
      : // Weights such as 33.3 + 33.3 + 33.4 are not exact in binary.
        Math.abs(total - 100) > 1e-9
        ? `the weights must sum to 100, they sum to ${total}`
        : null;
  if (bad === null) return;
  throw new CodedError('INPUT_INVALID', `The route of endpoint '${endpoint}' (${weights}) does not hold up: ${bad}.`, {
    details: { endpoint },
  });
}

function withoutSignature(stored: SignedRoute): Route {
  const { signature: _, ...route } = stored;
  return route;
}

/** Where an endpoint's route stands: the name that its signature is about. */
export function routeKey(endpoint: string): string {
  return `routes/${endpoint}.json`;
}
