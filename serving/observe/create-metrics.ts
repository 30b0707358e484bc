import { Counter, Gauge, Histogram, Registry } from 'prom-client';

import { type EndpointCounters, noCounts } from '../endpoint-status.ts';
import { type LoopLag, watchLoopLag } from './loop-lag.ts';
import type { ServingMetrics } from './metrics.ts';
import { createRequestMetrics, secondsBuckets } from './request-metrics.ts';

/** Which kind of process of a model server counts. */
export type MetricsRole = 'answering' | 'host' | 'control';

/** All that a process counts; it owns the timer that watches the event loop: close it. */
export type ProcessMetrics = ServingMetrics & {
  /** For the loop guard, so that it is watched once. */
  readonly lag: LoopLag;
  /** A request that was turned away before it was looked at. */
  overloaded(reason: OverloadReason): void;
  /** How to read the number of requests under way; read when the metrics are. */
  watchInFlight(read: () => number): void;
  /** What is in force of an endpoint; null: nothing any more. Of several processes the oldest counts. */
  inForce(endpoint: string, epochs: { readonly route: number; readonly policy: number } | null): void;
  /** The endpoint's counters of all processes together, as they stand: only the control process knows them. */
  counted(endpoint: string, counters: EndpointCounters): void;
  /** A process that was started instead of one that died (`died`) or was full of old packages (`recycled`). */
  replaced(role: MetricsRole, why: 'died' | 'recycled'): void;
  /** A switch of an endpoint that ended. */
  switched(endpoint: string, outcome: 'applied' | 'refused', seconds: number): void;
  close(): void;
};

export type OverloadReason = 'event-loop' | 'in-flight' | 'queue';

/** Makes what a process of a model server counts, in a registry of its own: a process may have several. */
export function createMetrics(role: MetricsRole): ProcessMetrics {
  const registry = new Registry();
  const lag = watchLoopLag();
  const requests = createRequestMetrics(registry);
  const endpoints = endpointMetrics(registry);
  const own = processMetrics(registry, role);
  let inFlight: () => number = () => 0;
  return {
    lag,
    request: requests.request,
    run: requests.run,
    ...endpoints,
    ...own.events,
    watchInFlight(read) {
      inFlight = read;
    },
    async json() {
      own.read(lag, inFlight());
      const histograms = requests.json();
      return [...histograms, ...(await registry.getMetricsAsJSON())];
    },
    close: () => lag.close(),
  };
}

function endpointMetrics(registry: Registry): Pick<ProcessMetrics, 'inForce' | 'counted' | 'switched'> {
  const registers = [registry];
  const epoch = new Gauge({
    name: 'perdura_endpoint_epoch',
    help: 'Epoch of the route or policy in force; of several processes the lowest.',
    labelNames: ['endpoint', 'of'],
    aggregator: 'min',
    registers,
  });
  const switches = new Histogram({
    name: 'perdura_switch_seconds',
    help: 'From a new route or policy to all processes having it in force, or to its refusal.',
    labelNames: ['endpoint', 'outcome'],
    buckets: secondsBuckets,
    registers,
  });
  return {
    inForce(endpoint, epochs) {
      for (const what of ['route', 'policy'] as const) {
        if (epochs === null) epoch.remove({ endpoint, of: what });
        else epoch.set({ endpoint, of: what }, epochs[what]);
      }
    },
    counted: countEvents(registry),
    switched: (endpoint, outcome, took) => switches.observe({ endpoint, outcome }, took),
  };
}

function countEvents(registry: Registry): ProcessMetrics['counted'] {
  const events = new Counter({
    name: 'perdura_endpoint_events_total',
    help: 'Requests that were answered or failed; copies that shadows answered or left out; rows of the log that are in the bucket.',
    labelNames: ['endpoint', 'what'],
    registers: [registry],
  });
  const before = new Map<string, EndpointCounters>();
  return (endpoint, counters) => {
    const known = before.get(endpoint) ?? noCounts();
    const grown = { ...known };
    for (const [what, value] of Object.entries(counters) as [keyof EndpointCounters, number][]) {
      // A process that ended may have taken its part along: the sum may fall for a moment, a counter may not.
      events.inc({ endpoint, what: words[what] }, Math.max(0, value - known[what]));
      grown[what] = Math.max(value, known[what]);
    }
    before.set(endpoint, grown);
  };
}

const words: Readonly<Record<keyof EndpointCounters, string>> = {
  answered: 'answered',
  failed: 'failed',
  shadowed: 'shadowed',
  shadowDropped: 'shadow_dropped',
  logged: 'logged',
};

type ProcessCounts = {
  readonly events: Pick<ProcessMetrics, 'overloaded' | 'replaced'>;
  read(lag: LoopLag, inFlight: number): void;
};

function processMetrics(registry: Registry, role: MetricsRole): ProcessCounts {
  const gauge = (name: string, help: string, aggregator: 'sum' | 'max'): Gauge =>
    new Gauge({ name, help, labelNames: ['role'], aggregator, registers: [registry] });
  const processes = gauge('perdura_processes', 'Processes of the model server.', 'sum');
  const memory = gauge('perdura_resident_memory_bytes', 'Resident memory, all processes of a role together.', 'sum');
  const inFlightNow = gauge('perdura_in_flight_requests', 'Requests under way.', 'sum');
  const p99 = gauge('perdura_event_loop_lag_p99_seconds', 'p99 of the last second; the worst process.', 'max');
  const max = gauge('perdura_event_loop_lag_max_seconds', 'Longest since it was read last; the worst process.', 'max');
  const counter = (name: string, help: string, labelNames: readonly string[]): Counter =>
    new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
  const cpu = counter('perdura_cpu_seconds_total', 'CPU time, user and system, all processes of a role.', ['role']);
  const refused = counter('perdura_overloaded_total', 'Requests turned away by back-pressure.', ['reason']);
  const replacements = counter('perdura_processes_replaced_total', 'Processes started for others.', ['role', 'why']);
  let cpuBefore = 0;
  return {
    events: {
      overloaded: (reason) => refused.inc({ reason }),
      replaced: (of, why) => replacements.inc({ role: of, why }),
    },
    read(lag, inFlight) {
      processes.set({ role }, 1);
      memory.set({ role }, process.memoryUsage.rss());
      if (role !== 'control') inFlightNow.set({ role }, inFlight);
      p99.set({ role }, lag.last().p99Ms / 1_000);
      max.set({ role }, lag.takeMaxMs() / 1_000);
      const { user, system } = process.cpuUsage();
      cpu.inc({ role }, (user + system - cpuBefore) / 1e6);
      cpuBefore = user + system;
    },
  };
}
