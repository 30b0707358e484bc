import type { DriftPolicy, DriftReport } from '../domain/drift-report.ts';
import type { MonitorRequest, MonitorStatus } from '../workflows/monitor.ts';
import { taskQueue } from '../domain/config.ts';
import { monthArrives } from './arrivals.ts';
import { startMonths } from './live-traffic.ts';
import type { Month } from './months.ts';
import type { TrafficProcess } from './traffic-process.ts';
import { type Scene, endpoint, model, pipeline } from './scene.ts';
import { until, watchRun } from './watch-run.ts';

/**
 * A window of 1,250 flights, one in a hundred of all, is a week: in a shorter one a missing weekday looks like drift. Two weeks of three must
 * drift to the same side, because a single week of storms is no reason to train anew.
 */
const policy: DriftPolicy = {
  windowRequests: 1_250,
  falseDiscoveryRate: 0.01,
  materialPsi: 0.25,
  materialGap: 0.04,
  sustained: 2,
  outOf: 3,
};

/** Their files are whole when their last flight has left. */
const sentMonths: readonly Month[] = ['2001-04', '2001-05'];

/** What the monitor saw; `report` is the last one with drift. */
export type DriftFound = { readonly report: DriftReport | null; readonly retrainings: number };

/** Traffic moves on through spring; the monitor finds what moved and starts retraining by itself, once. */
export async function driftThroughSpring(scene: Scene): Promise<DriftFound> {
  const request: MonitorRequest = { endpoint, model, pipeline, input: { data: 'newest' }, every: '1 second', policy };
  const monitor = await scene.client.workflow.start('monitor', {
    taskQueue: taskQueue('control'),
    workflowId: `monitor/${endpoint}`,
    args: [request, { after: new Date().toISOString(), reports: [], retrainings: 0 }],
    workflowIdConflictPolicy: 'TERMINATE_EXISTING',
  });
  await monthArrives(scene, '2001-03');
  const status = () => monitor.query<MonitorStatus>('monitor');
  const traffic = await startMonths(scene, [
    { month: '2001-04', oneIn: 100 },
    { month: '2001-05', oneIn: 100 },
    { month: '2001-06', oneIn: 10 },
  ]);
  const arrivals = Promise.all(sentMonths.map((month) => arriveWhenSent(scene, traffic, month)));
  try {
    return await Promise.race([found(scene, status, traffic), failureOf(arrivals), failureOf(traffic.done)]);
  } finally {
    await traffic.stop();
    await monitor.cancel();
    await arrivals;
  }
}

async function found(scene: Scene, status: () => Promise<MonitorStatus>, traffic: TrafficProcess): Promise<DriftFound> {
  const ended = () => traffic.report().done;
  const seen = await until('drift or the end of the traffic', () => driftOrEnd(status, ended), 180_000);
  if (seen.retraining === null) return { report: null, retrainings: seen.retrainings };
  const report = seen.reports.findLast((each) => each.verdict === 'fail') ?? null;
  scene.say(`  ${seen.lastReason ?? ''}`);
  await watchRun(scene, 'Retraining', 'monitor', scene.client.workflow.getHandle(seen.retraining));
  const settledStatus = await until('the monitor to go on', async () => settled(await status()));
  return { report, retrainings: settledStatus.retrainings };
}

async function arriveWhenSent(scene: Scene, traffic: TrafficProcess, month: Month): Promise<void> {
  if (await traffic.monthSent(month)) await monthArrives(scene, month);
}

/** Never settles unless the promise fails. */
function failureOf(promise: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => void promise.catch(reject));
}

async function driftOrEnd(status: () => Promise<MonitorStatus>, ended: () => boolean): Promise<MonitorStatus | null> {
  const now = await status();
  return now.retraining !== null || ended() ? now : null;
}

function settled(status: MonitorStatus): MonitorStatus | null {
  return status.retraining === null ? status : null;
}
