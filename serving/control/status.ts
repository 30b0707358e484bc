import { CodedError } from '../../domain/errors.ts';
import { toFailure } from '../../domain/failure.ts';
import type { EndpointCounters, EndpointStatus } from '../endpoint-status.ts';
import type { FromAnswering } from '../messages.ts';
import type { AnsweringPool } from './answering-pool.ts';
import type { AnsweringProcess } from './answering-process.ts';
import { atMost } from './at-most.ts';
import type { EndpointFollower } from './endpoint-follower.ts';

/** How a server fares. */
export type Status = {
  /** All processes' counts, anew. Who asks while they are asked gets the same answer. */
  collect(): Promise<void>;
  /** @throws CodedError NOT_FOUND, or why the endpoint is not in force. */
  of(endpoint: string): Promise<EndpointStatus>;
  all(): Promise<readonly EndpointStatus[]>;
  /** Answers a question of an answering process. */
  tell(process: AnsweringProcess, question: Extract<FromAnswering, { type: 'ask' }>): Promise<void>;
  /** What keeps the server from being ready; nothing when it is. */
  unready(): readonly string[];
};

export type StatusOptions = {
  readonly follower: EndpointFollower;
  readonly pool: Pick<AnsweringPool, 'living'>;
  readonly counters: (endpoint: string) => EndpointCounters;
  /** Asks all hosts for their counts. */
  readonly askHosts: () => Promise<unknown>;
  readonly draining: () => boolean;
};

/** One that is silent must not make all others' counts wait: its last ones stand in. */
const collectAtMostMs = 2_000;

/** Nothing is asked before somebody asks. */
export function createStatus(options: StatusOptions): Status {
  const { follower, pool } = options;
  let collecting: Promise<void> | null = null;
  const ready = (): readonly AnsweringProcess[] => pool.living().filter((process) => process.state() === 'ready');
  const askAll = async (): Promise<void> => {
    // One that ends meanwhile has said its last.
    // One that drains still answers, and counts.
    const answering = pool.living().filter((process) => process.state() !== 'starting');
    await Promise.allSettled([...answering.map((process) => process.report()), options.askHosts()]);
  };
  const collect = (): Promise<void> =>
    (collecting ??= atMost(collectAtMostMs, askAll()).finally(() => {
      collecting = null;
    }));
  const describe = (endpoint: string): EndpointStatus => {
    const found = follower.known().find((each) => each.endpoint === endpoint);
    if (found === undefined || found.inForce === null) {
      throw new CodedError('NOT_FOUND', `Endpoint '${endpoint}' not found: it is not in force here any more.`);
    }
    const { epoch, arms, shadows } = found.inForce.route;
    return { endpoint, epoch, arms, shadows, ...options.counters(endpoint), problem: found.problem };
  };
  const of = async (endpoint: string): Promise<EndpointStatus> => {
    await follower.follow(endpoint);
    await collect();
    return describe(endpoint);
  };
  return {
    collect,
    of,
    async all() {
      await collect();
      return follower.inForce().map(({ route }) => describe(route.endpoint));
    },
    async tell(process, { ask, what, endpoint }) {
      try {
        if (what === 'follow') await follower.follow(endpoint);
        const status = what === 'status' ? await of(endpoint) : null;
        process.send({ type: 'told', ask, status, failure: null });
      } catch (error) {
        process.send({ type: 'told', ask, status: null, failure: toFailure(error) });
      }
    },
    unready() {
      if (options.draining()) return ['It drains.'];
      if (ready().length === 0) return ['No answering process is ready.'];
      if (!follower.asked() && follower.inForce().length === 0) return ['The bucket was not read yet.'];
      return follower.known().flatMap(({ endpoint, inForce, behind, problem }) => {
        if (inForce !== null && !behind) return [];
        const why = problem?.message ?? 'it is being loaded.';
        const what =
          inForce === null ? 'is not in force' : `is at epoch ${inForce.route.epoch}, which is not the newest`;
        return [`Endpoint '${endpoint}' ${what}: ${why}`];
      });
    },
  };
}
