import { CodedError } from '../../domain/errors.ts';
import { openShadowFeed, type ShadowFeed } from '../hosting/shadow-feed.ts';
import type { PreparedModel } from '../models/model-plan.ts';
import type { Sessions } from '../models/sessions.ts';
import type { PreparedEndpoint } from '../prepared-endpoint.ts';
import type { ServedEndpoint } from './answer-request.ts';
import type { ActiveArm, ActiveEndpoint, EndpointsInForce } from './parts.ts';

/** The endpoints of one answering process: those in force, and those that are loaded and wait for their turn. */
export type Endpoints = Omit<EndpointsInForce, 'current'> & {
  current(endpoint: string): ServedEndpoint | null;
  /** Loads all models of an endpoint, or none. What is in force stays so. @throws CodedError why a model does not load. */
  prepare(change: number, prepared: PreparedEndpoint): Promise<void>;
  /** Puts what was prepared in force; requests that began on the previous one end on it. */
  apply(change: number): void;
  /** Lets go of what was prepared, or is being prepared. */
  discard(change: number): void;
  /** Copies for shadows that were dropped here, by endpoint. */
  shadowsDropped(): Readonly<Record<string, number>>;
  close(): void;
};

type Active = ServedEndpoint & { retire(): void };

const feedCapacityBytes = 4 * 1024 * 1024;

/** Makes an empty set. `report` takes a line about a model that could not be freed: that costs memory, and must not cost an answer. */
export function createEndpoints(options: {
  readonly sessions: Sessions;
  readonly report: (line: string) => void;
  /** Called with each endpoint that comes into force. */
  readonly onInForce: (active: ActiveEndpoint) => void;
}): Endpoints {
  const inForce = new Map<string, Active>();
  const waiting = new Map<number, Promise<Active>>();
  const dropped = new Map<string, number>();
  const count = (endpoint: string, feeds: readonly ShadowFeed[]): void => {
    const lost = feeds.reduce((sum, feed) => sum + feed.dropped(), dropped.get(endpoint) ?? 0);
    dropped.set(endpoint, lost);
  };
  const ready = new Map<number, Active>();

  return {
    current: (endpoint) => inForce.get(endpoint) ?? null,
    all: () => [...inForce.values()],
    async prepare(change, prepared) {
      const loading = load(options, prepared, count);
      waiting.set(change, loading);
      try {
        const active = await loading;
        if (waiting.has(change)) ready.set(change, active);
        else active.retire();
      } finally {
        waiting.delete(change);
      }
    },
    apply(change) {
      const next = ready.get(change);
      if (next === undefined) {
        throw new CodedError('CONFLICT', `Change ${change} of a route was not prepared here. Prepare it again.`);
      }
      ready.delete(change);
      const previous = inForce.get(next.route.endpoint);
      inForce.set(next.route.endpoint, next);
      previous?.retire();
      options.onInForce(next);
    },
    discard(change) {
      waiting.delete(change);
      ready.get(change)?.retire();
      ready.delete(change);
    },
    shadowsDropped() {
      // A map, because an endpoint may be called like a member that every object has.
      const all = new Map(dropped);
      for (const { route, feeds } of inForce.values()) {
        const before = all.get(route.endpoint) ?? 0;
        all.set(
          route.endpoint,
          feeds.reduce((sum, feed) => sum + feed.dropped(), before),
        );
      }
      return Object.fromEntries(all);
    },
    close() {
      for (const active of [...inForce.values(), ...ready.values()]) active.retire();
      inForce.clear();
      ready.clear();
    },
  };
}

async function load(
  { sessions, report }: Parameters<typeof createEndpoints>[0],
  prepared: PreparedEndpoint,
  retired: (endpoint: string, feeds: readonly ShadowFeed[]) => void,
): Promise<Active> {
  const { route, policy } = prepared;
  const models = await acquireAll(
    sessions,
    prepared.arms.map((arm) => arm.model),
  );
  const [first, ...others] = prepared.arms.flatMap(({ name, weight }, index): ActiveArm[] => {
    const model = models[index];
    return model === undefined ? [] : [{ name, weight, model }];
  });
  if (first === undefined) {
    throw new CodedError(
      'INPUT_INVALID',
      `Route ${route.endpoint} epoch ${route.epoch} has no arms. Write a route with at least a champion.`,
    );
  }
  const feeds = prepared.shadows.map((shadow) => feedTo(shadow));
  const holders = countHolders(() => {
    retired(route.endpoint, feeds);
    for (const feed of feeds) feed.close();
    for (const { model } of prepared.arms) {
      sessions
        .release(model)
        .catch((error: unknown) => report(`Model ${model.reference.model} was not freed: ${String(error)}`));
    }
  });
  return { route, policy, arms: [first, ...others], feeds, ...holders };
}

function feedTo({ reference, socket }: PreparedModel): ShadowFeed {
  if (socket === null) {
    throw new CodedError(
      'SERVICE_UNAVAILABLE',
      `Shadow ${reference.model} version ${reference.modelVersion} has no host. It is tried again; look at the server's log.`,
    );
  }
  return openShadowFeed(socket, { capacityBytes: feedCapacityBytes });
}

async function acquireAll(sessions: Sessions, wanted: readonly PreparedModel[]) {
  const results = await Promise.allSettled(wanted.map((model) => sessions.acquire(model)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  for (const [index, result] of results.entries()) {
    const model = wanted[index];
    if (result.status === 'fulfilled' && model !== undefined) await sessions.release(model);
  }
  throw failed.reason;
}

function countHolders(whenFree: () => void): { hold(): void; letGo(): void; retire(): void } {
  let holders = 1;
  const letGo = (): void => {
    holders -= 1;
    if (holders === 0) whenFree();
  };
  let retired = false;
  return {
    hold: () => void (holders += 1),
    letGo,
    retire() {
      if (retired) return;
      retired = true;
      letGo();
    },
  };
}
