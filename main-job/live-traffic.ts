import type { TrafficProcess } from './traffic-process.ts';
import { createLandingsFeed } from './landings.ts';
import { type Month, monthFile } from './months.ts';
import { type Scene, endpoint } from './scene.ts';
import { startTraffic } from './traffic-process.ts';
import type { TrafficReport } from './traffic.ts';

/** A rate that leaves two cores room for training beside it. */
const requestsPerSecond = 350;

/**
 * Starts a client that sends the flights of these months in order of time; `oneIn` thins them. Beside it the flights of the same months, all
 * of them, are brought into the online store.
 */
export async function startMonths(
  scene: Scene,
  months: readonly { readonly month: Month; readonly oneIn: number }[],
): Promise<TrafficProcess> {
  const feed = createLandingsFeed(
    scene,
    months.map(({ month }) => month),
  );
  const upTo = await feed.begin();
  const traffic = startTraffic({
    url: scene.serverUrl,
    grpcAddress: scene.grpcAddress,
    endpoint,
    prefix: `${scene.jobId}-${scene.traffic.length}`,
    files: months.map(({ month, oneIn }) => ({ month, oneIn, path: monthFile(scene.dataFolder, month) })),
    requestsPerSecond,
    upTo,
  });
  scene.traffic.push(traffic);
  const feeding = feed.follow(traffic);
  // Without the feed the client would wait for ever.
  feeding.catch(() => traffic.stop());
  const both = (ended: Promise<TrafficReport>) => Promise.all([ended, feeding]).then(([report]) => report);
  const done = both(traffic.done);
  done.catch(() => undefined);
  return { ...traffic, done, stop: () => both(traffic.stop()) };
}

/** What all clients of the job have seen together. */
export function trafficTotals(scene: Scene): {
  readonly answered: number;
  readonly failed: number;
  readonly labels: number;
  readonly byGrpc: number;
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
    byGrpc: sum((report) => report.byProtocol.grpc),
    p50Ms: Math.max(0, ...reports.map((report) => report.latencyP50Ms)),
    p99Ms: Math.max(0, ...reports.map((report) => report.latencyP99Ms)),
  };
}
