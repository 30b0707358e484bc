import { Counter, Gauge, type Registry } from 'prom-client';

import { type BoundHistogram, createBoundHistograms } from './bound-histogram.ts';
import type { ServingMetrics } from './metrics.ts';

/** What the way of a request counts: cheaply, so that prom-client sees it only when somebody reads the metrics. */
export type RequestMetrics = Pick<ServingMetrics, 'request' | 'run'> & {
  /** What is not in the registry; brings the registry up to date, too. */
  json(): readonly object[];
};

export const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const rowsBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096];

/** Makes them on a registry. */
export function createRequestMetrics(registry: Registry): RequestMetrics {
  const requests = countRequests(registry);
  const runs = countRuns(registry);
  return {
    request: requests.request,
    run: runs.run,
    json: () => [...requests.json(), ...runs.json()],
  };
}

type Counted = { requests: number; told: number; readonly seconds: BoundHistogram };
type DurationLabels = { readonly endpoint: string; readonly arm: string; readonly protocol: string };
type SeriesLabels = DurationLabels & { readonly status: string };

/** Series are found by four words in nested maps: a text made of them would cost more than the counting. */
function countRequests(registry: Registry): Pick<RequestMetrics, 'request' | 'json'> {
  const counter = new Counter({
    name: 'perdura_requests_total',
    help: 'Finished requests by status as in HTTP, also for gRPC.',
    labelNames: ['endpoint', 'arm', 'protocol', 'status'],
    registers: [registry],
  });
  const duration = createBoundHistograms<'endpoint' | 'arm' | 'protocol'>({
    name: 'perdura_request_seconds',
    help: 'From the arrival of a request to its answer.',
    buckets: secondsBuckets,
  });
  const bindDuration = boundDurations((labels) => duration.bind(labels));
  const series = new Map<string, Map<string, Map<string, Map<number, Counted>>>>();
  const all: { readonly labels: SeriesLabels; readonly counted: Counted }[] = [];
  return {
    request(of) {
      const endpoint = of.endpoint ?? '';
      const byStatus = within(within(within(series, endpoint), of.arm), of.protocol);
      let counted = byStatus.get(of.status);
      if (counted === undefined) {
        const { arm, protocol } = of;
        counted = { requests: 0, told: 0, seconds: bindDuration({ endpoint, arm, protocol }) };
        all.push({ labels: { endpoint, arm, protocol, status: String(of.status) }, counted });
        byStatus.set(of.status, counted);
      }
      counted.requests += 1;
      counted.seconds.observe(of.seconds);
    },
    json() {
      for (const { labels, counted } of all) {
        counter.inc({ ...labels }, counted.requests - counted.told);
        counted.told = counted.requests;
      }
      return [duration.json()];
    },
  };
}

/** Requests of all statuses share one histogram. */
function boundDurations(bind: (labels: DurationLabels) => BoundHistogram): (labels: DurationLabels) => BoundHistogram {
  const known = new Map<string, Map<string, Map<string, BoundHistogram>>>();
  return (labels) => {
    const byProtocol = within(within(known, labels.endpoint), labels.arm);
    const bound = byProtocol.get(labels.protocol) ?? bind(labels);
    byProtocol.set(labels.protocol, bound);
    return bound;
  };
}

function within<Key, Inner, Value>(maps: Map<Key, Map<Inner, Value>>, key: Key): Map<Inner, Value> {
  const found = maps.get(key);
  if (found !== undefined) return found;
  const made = new Map<Inner, Value>();
  maps.set(key, made);
  return made;
}

type Run = { waiting: number; readonly seconds: BoundHistogram; readonly rows: BoundHistogram };

function countRuns(registry: Registry): Pick<RequestMetrics, 'run' | 'json'> {
  const duration = createBoundHistograms<'model'>({
    name: 'perdura_model_run_seconds',
    help: 'One run of a model, whatever the number of its rows.',
    buckets: secondsBuckets,
  });
  const batch = createBoundHistograms<'model'>({
    name: 'perdura_batch_rows',
    help: 'Rows of one run of a model.',
    buckets: rowsBuckets,
  });
  const queue = new Gauge({
    name: 'perdura_queue_rows',
    help: 'Rows that waited behind the last run of a model; all processes together.',
    labelNames: ['model'],
    registers: [registry],
  });
  const known = new Map<string, Run>();
  return {
    run(of) {
      let run = known.get(of.model);
      if (run === undefined) {
        run = { waiting: 0, seconds: duration.bind({ model: of.model }), rows: batch.bind({ model: of.model }) };
        known.set(of.model, run);
      }
      run.seconds.observe(of.seconds);
      run.rows.observe(of.rows);
      run.waiting = of.waiting;
    },
    json() {
      for (const [model, run] of known) queue.set({ model }, run.waiting);
      return [duration.json(), batch.json()];
    },
  };
}
