import type { CodedFailure } from '../../domain/failure.ts';
import type { PreparedEndpoint } from '../prepared-endpoint.ts';
import type { HeldEndpoint } from './prepared-models.ts';
import type { StoredEndpoint } from './stored-endpoint.ts';

/** What is in force of an endpoint, and its tag in the bucket. */
export type InForce = { readonly held: HeldEndpoint; readonly tag: string };

/** An endpoint as its follower knows it. */
export type Entry = {
  readonly endpoint: string;
  inForce: InForce | null;
  /** What is in force and has no local copy yet: there was no room for it. */
  unkept: StoredEndpoint | null;
  problem: CodedFailure | null;
  /** What the bucket showed last; empty: it was not asked, or did not answer. */
  seen: string;
  /** What did not come into force, how often it was tried, and when to try it again (milliseconds of the monotonic clock). */
  refused: { readonly tag: string; readonly times: number; readonly retryAt: number } | null;
  refreshing: Promise<void> | null;
  /** Switches of one endpoint are one after the other: ends with the last. */
  turn: Promise<void>;
};

/** Who is told of changes. */
type Listener = { readonly onChanged: () => void; readonly report: (line: string) => void };

const refusedPauseMs = 10_000;
/** How often what a process died of, or a passing condition, is tried again at once. */
const quickRetries = 3;

/** Of an endpoint that nothing is known of. */
export const newEntry = (endpoint: string): Entry => ({
  endpoint,
  inForce: null,
  unkept: null,
  problem: null,
  seen: '',
  refused: null,
  refreshing: null,
  turn: Promise.resolve(),
});

/** Whether an endpoint needs no look of its own, by its tag in the bucket. One that is being refreshed has it already. */
export function isSettled(listener: Listener, entry: Entry, tag: string | undefined): boolean {
  if (entry.refreshing !== null) return true;
  if (tag === undefined) return false;
  entry.seen = tag;
  if (tag === entry.inForce?.tag && entry.unkept === null) {
    noteInForce(listener, entry);
    return true;
  }
  return entry.refused?.tag === tag && performance.now() < entry.refused.retryAt;
}

/** Its newest is in force. */
export function noteInForce(listener: Listener, entry: Entry): void {
  const had = entry.problem !== null;
  entry.problem = null;
  entry.refused = null;
  if (had) listener.onChanged();
}

/** It stays as it is, for that reason. */
export function noteProblem(listener: Listener, entry: Entry, problem: CodedFailure): void {
  const before = entry.problem?.message;
  entry.problem = problem;
  if (problem.message === before) return;
  listener.report(`Endpoint ${entry.endpoint}: ${problem.message}`);
  listener.onChanged();
}

/** What passes (a process that was killed, S3) is tried again at once; what does not, or comes again and again, after a pause. */
export function refusal(entry: Entry, tag: string, problem: CodedFailure): Entry['refused'] {
  const times = entry.refused?.tag === tag ? entry.refused.times + 1 : 1;
  const passing = problem.code === 'SERVICE_UNAVAILABLE' && times <= quickRetries;
  return { tag, times, retryAt: passing ? 0 : performance.now() + refusedPauseMs };
}

/** Whether a route or a policy of the one came before that of the other. */
export const isOlder = (one: PreparedEndpoint, other: PreparedEndpoint): boolean =>
  one.route.epoch < other.route.epoch || one.policy.epoch < other.policy.epoch;
