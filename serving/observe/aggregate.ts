import { AggregatorRegistry, type PrometheusContentType, type Registry } from 'prom-client';

/** What processes reported, kept so that counters never fall: those of a process that ended stay in the sums. */
export type MetricsTotals = {
  /** The newest report of a process that lives. */
  reported(process: string, metrics: readonly object[]): void;
  /** What a process reported last counts for ever; its gauges are gone. */
  ended(process: string): void;
  /** All processes together as Prometheus text. */
  text(): Promise<string>;
};

type Reported = { readonly name: string; readonly type: string; readonly values: readonly object[] };

/** The content type of the text. Source: Prometheus, "Exposition formats", text format 0.0.4. */
export const metricsContentType = AggregatorRegistry.PROMETHEUS_CONTENT_TYPE;

/** Adds up the reports of several processes: Prometheus text. Each is prom-client's `getMetricsAsJSON()`. */
export function aggregate(reports: readonly (readonly object[])[]): Promise<string> {
  return together(reports).metrics();
}

/** Keeps the reports of the processes of one model server. */
export function createMetricsTotals(): MetricsTotals {
  const living = new Map<string, readonly object[]>();
  let ended: readonly object[] = [];
  return {
    reported: (process, metrics) => void living.set(process, metrics),
    ended(process) {
      const last = living.get(process) ?? [];
      living.delete(process);
      ended = together([ended, last.filter(isCounted)]).getMetricsAsArray();
    },
    text: () => aggregate([ended, ...living.values()]),
  };
}

function together(reports: readonly (readonly object[])[]): Registry<PrometheusContentType> {
  const filled = reports.map((report) => report.filter(hasValues));
  return AggregatorRegistry.aggregate<PrometheusContentType>(filled);
}

const isReported = (found: object): found is Reported => 'name' in found && 'type' in found && 'values' in found;
const hasValues = (found: object): boolean => isReported(found) && found.values.length > 0;
const isCounted = (found: object): boolean => isReported(found) && ['counter', 'histogram'].includes(found.type);
