import { CodedError } from '../domain/errors.ts';
import { requireName } from '../domain/names.ts';
import type { Arm, Route, RouteChange } from '../domain/route.ts';
import { parseDocument, readDocument, updateDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { mapParallel } from './parallel.ts';

const parallelReads = 16;

/** An endpoint's route and the etag that `head` of the same key shows while it stands; null when there is none. */
export async function readRoute(
  store: ObjectStore,
  endpoint: string,
): Promise<{ readonly route: Route; readonly etag: string } | null> {
  const found = await readDocument<Route>(store, routeKey(endpoint));
  return found === null ? null : { route: found.value, etag: found.version.etag };
}

/**
 * Writes the next route by compare-and-set; `expectedEpoch` is the epoch it replaces (0: none yet). Idempotent by changeId: a
 * repeated step finds its own route.
 *
 * @throws CodedError CONFLICT when another epoch stands there; INPUT_INVALID when the endpoint's name or the arms do not hold up.
 */
export async function writeRoute(
  store: ObjectStore,
  change: RouteChange,
  options: { readonly expectedEpoch: number; readonly at: string },
): Promise<Route> {
  requireName('endpoint', change.endpoint);
  checkArms(change.endpoint, change.arms);
  const { value } = await updateDocument<Route>(store, routeKey(change.endpoint), (current) => {
    if (current?.changeId === change.changeId) return current;
    const epoch = current?.epoch ?? 0;
    if (epoch !== options.expectedEpoch)
      throw new CodedError(
        'CONFLICT',
        `The route of endpoint '${change.endpoint}' is at epoch ${epoch}, not ${options.expectedEpoch}. Read it again and decide anew.`,
        { details: { endpoint: change.endpoint, epoch, expectedEpoch: options.expectedEpoch } },
      );
    const { endpoint, changeId, arms, shadows, who, why } = change;
    return { endpoint, changeId, arms, shadows, who, why, epoch: epoch + 1, at: options.at };
  });
  return value;
}

/** All endpoints' routes, by endpoint. */
export async function listRoutes(store: ObjectStore): Promise<readonly Route[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('routes/')) if (key.endsWith('.json')) keys.push(key);
  const found = await mapParallel(keys, parallelReads, (key) => readDocument<Route>(store, key));
  return found.flatMap((document) => (document === null ? [] : [document.value]));
}

/** Every route that an endpoint ever had, newest first, from the bucket's own versions. */
export async function routeHistory(store: ObjectStore, endpoint: string): Promise<readonly Route[]> {
  const key = routeKey(endpoint);
  const versions = await store.versions(key);
  return mapParallel(versions, parallelReads, async ({ s3VersionId }) =>
    parseDocument<Route>(key, (await store.read(key, { s3VersionId })).bytes),
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

function routeKey(endpoint: string): string {
  return `routes/${endpoint}.json`;
}
