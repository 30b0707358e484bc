import { type EndpointCounters, noCounts } from '../endpoint-status.ts';
import type { AnsweringReport } from '../messages.ts';

/** What all processes of a server counted since it started; what an ended one counted stays in the sums. */
export type Counted = {
  /** The newest report of a process, by a name that no other process gets. */
  reported(process: string, report: AnsweringReport): void;
  /** A process that is gone: its last report counts for good. */
  ended(process: string): void;
  /** Rows that came into the bucket. */
  logged(endpoint: string, rows: number): void;
  of(endpoint: string): EndpointCounters;
};

/** All zero at first. */
export function createCounted(): Counted {
  const living = new Map<string, AnsweringReport['counters']>();
  const kept = new Map<string, EndpointCounters>();
  const keptOf = (endpoint: string): EndpointCounters => {
    const known = kept.get(endpoint) ?? noCounts();
    kept.set(endpoint, known);
    return known;
  };
  return {
    reported: (process, { counters }) => void living.set(process, counters),
    ended(process) {
      for (const [endpoint, counters] of Object.entries(living.get(process) ?? {})) add(keptOf(endpoint), counters);
      living.delete(process);
    },
    logged(endpoint, rows) {
      keptOf(endpoint).logged += rows;
    },
    of(endpoint) {
      const sum = { ...(kept.get(endpoint) ?? noCounts()) };
      // Own members only: an endpoint may be called `constructor`.
      for (const counters of living.values()) {
        if (Object.hasOwn(counters, endpoint)) add(sum, counters[endpoint] ?? noCounts());
      }
      return sum;
    },
  };
}

function add(sum: EndpointCounters, more: EndpointCounters): void {
  sum.answered += more.answered;
  sum.failed += more.failed;
  sum.shadowed += more.shadowed;
  sum.shadowDropped += more.shadowDropped;
  sum.logged += more.logged;
}
