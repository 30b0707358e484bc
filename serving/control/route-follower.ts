import { setTimeout as wait } from 'node:timers/promises';
import { CodedError, isCoded } from '../../domain/errors.ts';
import { isPlainName } from '../../domain/names.ts';
import { type CodedFailure, toFailure } from '../../domain/failure.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { readRoute } from '../../stores/routes.ts';
import { activateRoute, type ActiveRoute } from '../active-route.ts';
import type { LocalRoutes } from './local-routes.ts';
import type { Sessions } from '../models/sessions.ts';

/** Keeps the routes of all endpoints loaded and current. */
export type RouteFollower = {
  /** Loads what there is; without S3, what this machine served last. Then follows. */
  start(): Promise<void>;
  /**
   * Makes sure that an endpoint has a route in force, asking the bucket where there is none here.
   *
   * @throws CodedError NOT_FOUND when there is no such endpoint; why its route could not be loaded, or S3 not asked.
   */
  follow(endpoint: string): Promise<void>;
  /** The route in force, null where there is none here. */
  current(endpoint: string): ActiveRoute | null;
  /** The same, held for the caller, who lets go of it. @throws CodedError NOT_FOUND. */
  hold(endpoint: string): ActiveRoute;
  /** Why the newest route is not the one in force; null when it is. */
  problem(endpoint: string): CodedFailure | null;
  /** All routes in force. */
  routes(): readonly ActiveRoute[];
  /** Whether the bucket was read since the start, or something is in force without it. */
  ready(): boolean;
  close(): void;
};

export type RouteFollowerOptions = {
  readonly store: ObjectStore;
  readonly sessions: Sessions;
  readonly local: LocalRoutes;
  readonly report: (line: string) => void;
};

type Followed = {
  readonly endpoint: string;
  active: ActiveRoute | null;
  problem: CodedFailure | null;
  /** The route that did not load, and when to try it again (milliseconds of the monotonic clock). */
  refused: { readonly etag: string; readonly retryAt: number } | null;
  refreshing: Promise<void> | null;
};

const headEveryMs = 500;
const listEveryMs = 2_000;
const refusedPauseMs = 10_000;
/** How long a start waits for a bucket that takes requests and does not answer. */
const startAtMostMs = 15_000;

/** Makes a follower; nothing happens before `start`. */
export function createRouteFollower(options: RouteFollowerOptions): RouteFollower {
  const followed = new Map<string, Followed>();
  const closing = new AbortController();
  let listed: ReadonlySet<string> | null = null;

  const current = (endpoint: string): ActiveRoute | null => followed.get(endpoint)?.active ?? null;
  const entryOf = (endpoint: string): Followed => {
    const known = followed.get(endpoint);
    if (known !== undefined) return known;
    const entry: Followed = { endpoint, active: null, problem: null, refused: null, refreshing: null };
    followed.set(endpoint, entry);
    return entry;
  };
  const refresh = (entry: Followed): Promise<void> => {
    entry.refreshing ??= refreshRoute(options, entry).finally(() => {
      entry.refreshing = null;
      // Not there, or nobody knows: the next listing or request asks again. So made-up names do not pile up.
      if (entry.active === null && entry.refused === null) followed.delete(entry.endpoint);
    });
    return entry.refreshing;
  };
  const list = async (): Promise<void> => {
    const names = new Set<string>();
    for await (const { key } of options.store.list('routes/')) for (const name of endpointOf(key)) names.add(name);
    listed = names;
    await Promise.all([...names].filter((name) => !followed.has(name)).map((name) => refresh(entryOf(name))));
  };
  const tryList = (): Promise<void> => list().catch(() => undefined);
  const repeat = async (everyMs: number, work: () => Promise<unknown> | void): Promise<void> => {
    while (!closing.signal.aborted) {
      await wait(everyMs, undefined, { signal: closing.signal }).catch(() => undefined);
      if (!closing.signal.aborted) await work();
    }
  };

  return {
    async start() {
      await Promise.race([tryList(), wait(startAtMostMs, undefined, { ref: false })]);
      for (const found of await options.local.all()) {
        const { endpoint } = found.route;
        if (listed?.has(endpoint) === false || current(endpoint) !== null) continue;
        await takeLocal(options, entryOf(endpoint), found);
      }
      void repeat(listEveryMs, tryList);
      // Each entry is refreshed on its own: a package that takes long to load holds up no other endpoint.
      void repeat(headEveryMs, () => {
        for (const entry of followed.values()) void refresh(entry);
      });
    },
    async follow(endpoint) {
      if (current(endpoint) !== null) return;
      if (!isPlainName(endpoint)) throw unknownEndpoint(endpoint);
      const entry = entryOf(endpoint);
      await refresh(entry);
      if (entry.active === null) throw notInForce(entry);
    },
    current,
    hold(endpoint) {
      const active = current(endpoint);
      if (active === null) throw unknownEndpoint(endpoint);
      active.hold();
      return active;
    },
    problem: (endpoint) => followed.get(endpoint)?.problem ?? null,
    routes: () => [...followed.values()].flatMap((entry) => entry.active ?? []),
    ready: () => listed !== null || [...followed.values()].some((entry) => entry.active !== null),
    close() {
      closing.abort();
      for (const entry of followed.values()) entry.active?.retire();
      followed.clear();
    },
  };
}

/** Brings one endpoint up to date. Never throws: what goes wrong becomes the entry's problem, and the previous route stays in force. */
async function refreshRoute(options: RouteFollowerOptions, entry: Followed): Promise<void> {
  let etag = '';
  try {
    const head = await options.store.head(`routes/${entry.endpoint}.json`);
    etag = head.etag;
    if (etag === entry.active?.etag) {
      entry.problem = null;
      return;
    }
    if (entry.refused?.etag === etag && performance.now() < entry.refused.retryAt) return;
    const found = await readRoute(options.store, entry.endpoint);
    if (found === null) throw unknownEndpoint(entry.endpoint);
    etag = found.etag;
    const next = await activateRoute(options.sessions, found);
    switchTo(entry, next);
    await options.local.write(found);
  } catch (error) {
    if (isCoded(error, 'NOT_FOUND') && entry.active === null && etag === '') return;
    const problem = toFailure(error);
    if (problem.message !== entry.problem?.message) options.report(`Route ${entry.endpoint}: ${problem.message}`);
    entry.problem = problem;
    if (etag !== '' && !isCoded(error, 'SERVICE_UNAVAILABLE')) {
      entry.refused = { etag, retryAt: performance.now() + refusedPauseMs };
    }
  }
}

function switchTo(entry: Followed, next: ActiveRoute): void {
  const previous = entry.active;
  entry.active = next;
  entry.problem = null;
  entry.refused = null;
  previous?.retire();
}

async function takeLocal(
  options: RouteFollowerOptions,
  entry: Followed,
  found: Awaited<ReturnType<LocalRoutes['all']>>[number],
): Promise<void> {
  try {
    const next = await activateRoute(options.sessions, found);
    // The bucket may have answered meanwhile; what it says is newer.
    if (entry.active === null) entry.active = next;
    else next.retire();
  } catch (error) {
    entry.problem ??= toFailure(error);
    options.report(`Route ${entry.endpoint}, as served last: ${(error as Error).message}`);
  }
}

function endpointOf(key: string): readonly string[] {
  const name = key.slice('routes/'.length, -'.json'.length);
  return key.endsWith('.json') && isPlainName(name) ? [name] : [];
}

/** To a client, an endpoint whose route names what is not there is no 404. */
function notInForce({ endpoint, problem }: Followed): CodedError {
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
