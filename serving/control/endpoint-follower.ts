import { setTimeout as wait } from 'node:timers/promises';
import { CodedError, isCoded } from '../../domain/errors.ts';
import { type CodedFailure, toFailure } from '../../domain/failure.ts';
import { isPlainName } from '../../domain/names.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { TrustedKeys } from '../../stores/signing/trusted-keys.ts';
import type { PreparedEndpoint } from '../prepared-endpoint.ts';
import { atMost } from './at-most.ts';
import { createBucketTags } from './bucket-tags.ts';
import type { LocalEndpoint, LocalEndpoints } from './local-endpoints.ts';
import {
  type Entry,
  type InForce,
  isOlder,
  isSettled,
  newEntry,
  noteInForce,
  noteProblem,
  refusal,
} from './followed-entry.ts';
import type { HeldEndpoint } from './prepared-models.ts';
import { headEndpoint, readEndpoint, requireTrusted, type StoredEndpoint, tagOf } from './stored-endpoint.ts';

/** Keeps routes and policies of all endpoints current. */
export type EndpointFollower = {
  /** Takes what there is; without S3, what this machine served last. Then follows. */
  start(): Promise<void>;
  /**
   * Makes sure that an endpoint is in force in all processes, asking the bucket where it is not.
   *
   * @throws CodedError NOT_FOUND when there is no such endpoint; why it could not be loaded, or S3 not asked; OVERLOADED.
   */
  follow(endpoint: string): Promise<void>;
  /** Looks at the bucket now, and once more if a look was under way. */
  hint(): Promise<void>;
  inForce(): readonly PreparedEndpoint[];
  /** All that is known, in force or not. */
  known(): readonly FollowedEndpoint[];
  /** Whether the bucket answered since the start. */
  asked(): boolean;
  close(): void;
};

export type FollowedEndpoint = {
  readonly endpoint: string;
  readonly inForce: PreparedEndpoint | null;
  /** Whether a newer route or policy than the one in force was seen. */
  readonly behind: boolean;
  /** Why the newest route or policy is not the one in force, or not known; null when there is no reason. */
  readonly problem: CodedFailure | null;
};

export type EndpointFollowerOptions = {
  readonly store: ObjectStore;
  readonly local: LocalEndpoints;
  readonly trusted: TrustedKeys;
  /** Brings all packages here. */
  readonly prepare: (of: Pick<PreparedEndpoint, 'route' | 'policy'>) => Promise<HeldEndpoint>;
  /** Puts it in force in all processes or in none; calls `commit` at the moment at which new processes get it. */
  readonly put: (endpoint: PreparedEndpoint, commit: () => void) => Promise<void>;
  /** Told after each change that is in force everywhere, and whenever an endpoint's problem changes. */
  readonly onChanged: () => void;
  /** Told how each attempt to bring a newer one into force ended. */
  readonly onTried: (endpoint: string, outcome: 'applied' | 'refused', seconds: number) => void;
  readonly report: (line: string) => void;
};

const lookEveryMs = 500;
/** How long a start waits for a bucket that takes requests and does not answer. */
const startAtMostMs = 15_000;
/** And then for what this machine served last; what is not loaded by then follows. */
const localAtMostMs = 10_000;
/** Names that clients made up are looked up at most so many at a time. */
const mostLookups = 32;

/** Makes a follower; nothing happens before `start`. */
export function createEndpointFollower(options: EndpointFollowerOptions): EndpointFollower {
  const entries = new Map<string, Entry>();
  const closing = new AbortController();
  let listed: ReadonlySet<string> | null = null;

  const entryOf = (endpoint: string): Entry => {
    const known = entries.get(endpoint);
    if (known !== undefined) return known;
    const entry = newEntry(endpoint);
    entries.set(endpoint, entry);
    return entry;
  };
  const tags = createBucketTags(options.store);
  const refresh = (entry: Entry): Promise<void> => {
    entry.refreshing ??= refreshEntry(options, entry).finally(() => {
      entry.refreshing = null;
      // Not there, or nobody knows: the next listing or request asks again. So made-up names do not pile up.
      if (entry.inForce === null && entry.refused === null) entries.delete(entry.endpoint);
    });
    return entry.refreshing;
  };
  /** Looks at all endpoints at once; each that is not as it should be is refreshed on its own, and not waited for here. */
  const look = async (found: Promise<ReadonlyMap<string, string>>): Promise<readonly Promise<void>[]> => {
    try {
      const all = await found;
      listed = new Set(all.keys());
      const known = [...entries.values()].filter((entry) => !isSettled(options, entry, all.get(entry.endpoint)));
      const added = [...listed].filter((name) => !entries.has(name)).map(entryOf);
      return [...known, ...added].map(refresh);
    } catch (error) {
      for (const entry of entries.values()) noteProblem(options, entry, toFailure(error));
      return [];
    }
  };
  const follow = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await wait(lookEveryMs, undefined, { signal: closing.signal }).catch(() => undefined);
      if (!closing.signal.aborted) void (await look(tags.look()));
    }
  };
  let lookups = 0;

  return {
    async start() {
      const looked = look(tags.look()).then((begun) => Promise.all(begun));
      await atMost(startAtMostMs, looked);
      const found = (await options.local.all()).filter(({ endpoint }) => listed?.has(endpoint) !== false);
      const missing = found.filter(({ endpoint }) => entryOf(endpoint).inForce === null);
      // One whose package has to be fetched from a bucket that does not answer holds up no other, and not the start.
      await atMost(localAtMostMs, Promise.all(missing.map((each) => takeLocal(options, entryOf(each.endpoint), each))));
      void follow();
    },
    async follow(endpoint) {
      // In force since its commit, which told all processes before whoever waits here.
      if (entries.get(endpoint)?.inForce != null) return;
      if (!isPlainName(endpoint)) throw unknownEndpoint(endpoint);
      if (lookups >= mostLookups) throw tooManyLookups(endpoint);
      lookups += 1;
      try {
        const entry = entryOf(endpoint);
        await refresh(entry);
        if (entry.inForce === null) throw notInForce(entry);
      } finally {
        lookups -= 1;
      }
    },
    async hint() {
      await Promise.all([...entries.values()].flatMap(({ refreshing }) => refreshing ?? []));
      await Promise.all(await look(tags.lookAnew()));
    },
    inForce: () => [...entries.values()].flatMap((entry) => entry.inForce?.held.endpoint ?? []),
    known: () =>
      [...entries.values()].map(({ endpoint, inForce, seen, problem }) => ({
        endpoint,
        inForce: inForce?.held.endpoint ?? null,
        behind: seen !== '' && seen !== inForce?.tag,
        problem,
      })),
    asked: () => listed !== null,
    close: () => closing.abort(),
  };
}

/** Brings one endpoint up to date. Never throws: what goes wrong becomes the entry's problem, and what was in force stays so. */
async function refreshEntry(options: EndpointFollowerOptions, entry: Entry): Promise<void> {
  let tag = '';
  try {
    tag = await headEndpoint(options.store, entry.endpoint);
    entry.seen = tag;
    if (entry.refused?.tag === tag && performance.now() < entry.refused.retryAt) return;
    if (tag !== entry.inForce?.tag) {
      const stored = await readEndpoint(options.store, entry.endpoint);
      if (stored === null) throw unknownEndpoint(entry.endpoint);
      tag = tagOf(stored);
      await bringIntoForce(options, entry, stored);
      entry.unkept = stored;
    }
    if (entry.unkept !== null) await options.local.write(entry.endpoint, entry.unkept);
    entry.unkept = null;
    noteInForce(options, entry);
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND') && entry.inForce === null && tag === '') return;
    const problem = toFailure(error);
    noteProblem(options, entry, problem);
    if (tag !== '') entry.refused = refusal(entry, tag, problem);
  }
}

async function bringIntoForce(options: EndpointFollowerOptions, entry: Entry, stored: StoredEndpoint): Promise<void> {
  const started = performance.now();
  const tried = (outcome: 'applied' | 'refused'): void =>
    options.onTried(entry.endpoint, outcome, (performance.now() - started) / 1_000);
  try {
    await prepareAndPut(options, entry, stored);
  } catch (error) {
    tried('refused');
    throw error;
  }
  tried('applied');
  options.onChanged();
}

async function prepareAndPut(options: EndpointFollowerOptions, entry: Entry, stored: StoredEndpoint): Promise<void> {
  const keys = await options.trusted();
  const epochs = await options.local.epochs(entry.endpoint);
  const held = await options.prepare(requireTrusted(entry.endpoint, stored, { keys, epochs }));
  const turn = entry.turn.then(() => put(options, entry, { held, tag: tagOf(stored) }));
  entry.turn = turn.catch(() => undefined);
  await turn;
}

/** Puts it in force, unless a newer one came into force while this one was prepared: a slow start goes on with the local copy meanwhile. */
async function put(options: EndpointFollowerOptions, entry: Entry, next: InForce): Promise<void> {
  const { held } = next;
  const previous = entry.inForce;
  const isNews = previous?.tag !== next.tag && !(previous !== null && isOlder(held.endpoint, previous.held.endpoint));
  if (!isNews) return held.release();
  try {
    await options.put(held.endpoint, () => {
      entry.inForce = next;
      entry.problem = null;
      entry.refused = null;
    });
  } catch (error) {
    held.release();
    throw error;
  }
  held.applied();
  previous?.held.release();
}

async function takeLocal(options: EndpointFollowerOptions, entry: Entry, found: LocalEndpoint): Promise<void> {
  // Keeps the entry while it is loaded: one that nothing is known of is forgotten when the bucket does not answer.
  entry.refused ??= { tag: '', times: 0, retryAt: 0 };
  try {
    await bringIntoForce(options, entry, found.stored);
  } catch (error) {
    const problem = toFailure(error);
    entry.problem ??= problem;
    options.report(`Endpoint ${entry.endpoint}, as served last: ${problem.message}`);
  }
}

/** To a client, an endpoint whose route names what is not there is no 404. */
function notInForce({ endpoint, problem }: Entry): CodedError {
  if (problem === null) return unknownEndpoint(endpoint);
  const code = problem.code === 'NOT_FOUND' ? 'SERVICE_UNAVAILABLE' : problem.code;
  const message = `Endpoint '${endpoint}' has no route in force: ${problem.message}`;
  return new CodedError(code, message, { details: { ...problem.details, notInForce: true } });
}

function unknownEndpoint(endpoint: string): CodedError {
  return new CodedError(
    'NOT_FOUND',
    `Endpoint '${endpoint}' not found: no release has given it a route. List them with 'perdura routes'.`,
  );
}

function tooManyLookups(endpoint: string): CodedError {
  return new CodedError(
    'OVERLOADED',
    `Endpoint '${endpoint}' is not in force here, and ${mostLookups} others are looked up at this moment. Send again later.`,
  );
}
