import { createMetricsTotals } from '../observe/aggregate.ts';
import { createMetrics, type ProcessMetrics } from '../observe/create-metrics.ts';
import type { AnsweringReport } from '../messages.ts';
import { createCounted, type Counted } from './counted.ts';
import type { FollowedEndpoint } from './endpoint-follower.ts';

/** What all processes of a server count, for Prometheus and for `GET /endpoints`. It owns a timer: close it. */
export type ControlMetrics = Pick<Counted, 'logged' | 'of'> & {
  /** What the control process itself counts. */
  readonly own: ProcessMetrics;
  /** The newest report of a process, by a name that no other process gets. */
  reported(process: string, report: AnsweringReport): void;
  ended(process: string): void;
  /** Processes that reported and did not end. */
  processes(): readonly string[];
  /** Prometheus text of all processes. */
  text(known: readonly FollowedEndpoint[]): Promise<string>;
  close(): void;
};

/** All zero at first. */
export function createControlMetrics(): ControlMetrics {
  const own = createMetrics('control');
  const totals = createMetricsTotals();
  const counted = createCounted();
  const living = new Set<string>();
  return {
    own,
    processes: () => [...living],
    logged: (endpoint, rows) => counted.logged(endpoint, rows),
    of: (endpoint) => counted.of(endpoint),
    reported(process, report) {
      living.add(process);
      counted.reported(process, report);
      totals.reported(process, report.metrics);
    },
    ended(process) {
      living.delete(process);
      counted.ended(process);
      totals.ended(process);
    },
    async text(known) {
      for (const { endpoint, inForce } of known) {
        if (inForce === null) continue;
        own.inForce(endpoint, { route: inForce.route.epoch, policy: inForce.policy.epoch });
        own.counted(endpoint, counted.of(endpoint));
      }
      totals.reported('control', await own.json());
      return totals.text();
    },
    close: () => own.close(),
  };
}
