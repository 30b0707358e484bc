import type { TrafficProcess } from './traffic-process.ts';
import { type Month, monthFile } from './months.ts';
import { type Scene, endpoint } from './scene.ts';
import { startTraffic } from './traffic-process.ts';

/** A rate that leaves two cores room for training beside it. */
const requestsPerSecond = 350;

/** Starts a client that sends the flights of these months in order of time; `oneIn` thins them. */
export function startMonths(
  scene: Scene,
  months: readonly { readonly month: Month; readonly oneIn: number }[],
): TrafficProcess {
  const traffic = startTraffic({
    url: scene.serverUrl,
    endpoint,
    prefix: `${scene.jobId}-${scene.traffic.length}`,
    files: months.map(({ month, oneIn }) => ({ month, oneIn, path: monthFile(scene.dataFolder, month) })),
    requestsPerSecond,
  });
  scene.traffic.push(traffic);
  return traffic;
}

/** What all clients of the job have seen together. */
export function trafficTotals(scene: Scene): {
  readonly answered: number;
  readonly failed: number;
  readonly labels: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
} {
  const reports = scene.traffic.map((traffic) => traffic.report());
  const sum = (pick: (report: (typeof reports)[number]) => number) =>
    reports.reduce((total, report) => total + pick(report), 0);
  return {
    answered: sum((report) => report.answered),
    failed: sum((report) => report.failed),
    labels: sum((report) => report.labels),
    p50Ms: Math.max(0, ...reports.map((report) => report.latencyP50Ms)),
    p99Ms: Math.max(0, ...reports.map((report) => report.latencyP99Ms)),
  };
}
