import { isPlainName } from '../../domain/names.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { joinTags } from './stored-endpoint.ts';

/** What stands in the bucket of all endpoints, told without asking for each. */
export type BucketTags = {
  /** The tag of each endpoint that has a route; a policy's part of it may be as old as `policiesEveryMs`. @throws CodedError SERVICE_UNAVAILABLE. */
  look(): Promise<ReadonlyMap<string, string>>;
  /** As `look`, with policies of now. */
  lookAnew(): Promise<ReadonlyMap<string, string>>;
};

const policiesEveryMs = 2_000;
const [routes, policies] = ['routes/', 'policies/'];

/** Two listings for any number of endpoints: a HEAD of each one's route and policy costs a server of 30 a sixth of a processor. */
export function createBucketTags(store: ObjectStore): BucketTags {
  let known: ReadonlyMap<string, string> = new Map();
  let knownAt = Number.NEGATIVE_INFINITY;
  const join = async (): Promise<ReadonlyMap<string, string>> => {
    const found = await etagsBelow(store, routes);
    return new Map([...found].map(([endpoint, etag]) => [endpoint, joinTags(etag, known.get(endpoint))]));
  };
  const lookAnew = async (): Promise<ReadonlyMap<string, string>> => {
    known = await etagsBelow(store, policies);
    knownAt = performance.now();
    return join();
  };
  return {
    look: () => (performance.now() - knownAt >= policiesEveryMs ? lookAnew() : join()),
    lookAnew,
  };
}

async function etagsBelow(store: ObjectStore, prefix: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for await (const { key, etag } of store.list(prefix)) {
    const name = key.slice(prefix.length, -'.json'.length);
    if (key.endsWith('.json') && isPlainName(name)) found.set(name, etag);
  }
  return found;
}
