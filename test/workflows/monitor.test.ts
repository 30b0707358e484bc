import type { WorkflowHandle } from '@temporalio/client';
import type { MonitorRequest, MonitorStatus } from '../../workflows/monitor.ts';
import { taskQueue } from '../../domain/config.ts';
import { listRuns } from '../../stores/runs.ts';
import { eventually, openStage, type Stage } from '../end-to-end/harness.ts';
import { writeProject } from '../end-to-end/project.ts';
import { post } from '../serving/harness.ts';
import { registerTiny, serveTiny } from './tiny-stage.ts';

const limit = 60_000;
const windowRequests = 30;
let stage: Stage;

/** The retraining: what a release pipeline that rejects its challenger does, or one that is broken. */
const pipelines = {
  retrain: {
    'pipeline.ts': `export async function retrain(input) {
  if (input.broken) throw new Error('no luck');
  return { outcome: 'rejected', reason: 'not better' };
}
`,
  },
};

beforeAll(async () => {
  stage = await openStage((folder) => writeProject(folder, pipelines));
  const version = await registerTiny(stage.store, 'one');
  for (const endpoint of ['watched', 'unlucky', 'calm']) await serveTiny(stage.store, endpoint, version);
}, limit);
afterAll(() => stage?.close(), limit);

async function startMonitor(endpoint: string, input: unknown): Promise<WorkflowHandle> {
  const policy = {
    windowRequests,
    falseDiscoveryRate: 0.01,
    materialPsi: 0.25,
    materialGap: 0.2,
    sustained: 2,
    outOf: 3,
  };
  const request: MonitorRequest = { endpoint, model: 'tiny', pipeline: 'retrain', input, every: '200 ms', policy };
  return stage.client.workflow.start('monitor', {
    taskQueue: taskQueue('control'),
    workflowId: `monitor/${endpoint}`,
    args: [request],
  });
}

let sent = 0;

/** Sends somewhat more than a window's requests, one after the other; the model says 0.27 to each, and so many of ten come true. */
async function sendWindow(endpoint: string, positivesOfTen: number): Promise<void> {
  const labels: { readonly requestId: string; readonly label: number }[] = [];
  for (let index = 0; index < windowRequests + 5; index += 1) {
    const requestId = `request-${(sent += 1)}`;
    const record = { date: '2001-03-04T17:30:00', distance: 1200, origin: 'SFO' };
    const { status } = await post(stage.server.url, `/endpoints/${endpoint}/predict`, { requestId, record });
    if (status !== 200) throw new Error(`The request was answered ${status}.`);
    labels.push({ requestId, label: index % 10 < positivesOfTen ? 1 : 0 });
  }
  await post(stage.server.url, `/endpoints/${endpoint}/labels`, { labels });
}

const status = (monitor: WorkflowHandle) => monitor.query<MonitorStatus>('monitor');

const retrained = (monitor: WorkflowHandle, times: number) =>
  eventually(`${times} retrainings`, async () => {
    const now = await status(monitor);
    return now.retrainings === times && now.retraining === null && now;
  });

const runsOf = async (endpoint: string) =>
  (await listRuns(stage.store, { pipeline: 'retrain' }))
    .filter(({ start }) => start.workflowId.includes(endpoint))
    .map(({ start, outcome }) => [start.workflowId, start.startedBy, outcome?.status]);

test(
  'drift that lasts starts retraining once; the monitor then goes on, and what it saw before does not count again',
  async () => {
    const monitor = await startMonitor('watched', {});
    await sendWindow('watched', 10);
    const first = await eventually(
      'a window',
      async () => (await status(monitor)).reports.length === 1 && status(monitor),
    );
    expect(first).toMatchObject({ retrainings: 0, reports: [{ verdict: 'fail', window: { labels: windowRequests } }] });
    await sendWindow('watched', 10);
    const after = await retrained(monitor, 1);
    expect(after.reports).toEqual([]);
    expect(after.lastReason).toContain('outcomes that come more often than predicted in 2 of the last 2 windows');

    await sendWindow('watched', 10);
    const later = await eventually('the next window', async () => {
      const now = await status(monitor);
      return now.reports.length === 1 && now;
    });
    expect(later.retrainings).toBe(1);
    expect(await runsOf('watched')).toEqual([['retrain/retrain-watched-1', 'monitor', 'completed']]);
    await monitor.terminate();
  },
  limit,
);

test(
  'a retraining that fails does not end the watch',
  async () => {
    const monitor = await startMonitor('unlucky', { broken: true });
    for (let window = 0; window < 4; window += 1) await sendWindow('unlucky', 10);
    await retrained(monitor, 2);
    expect((await runsOf('unlucky')).toReversed()).toEqual([
      ['retrain/retrain-unlucky-1', 'monitor', 'failed'],
      ['retrain/retrain-unlucky-2', 'monitor', 'failed'],
    ]);
    await monitor.terminate();
  },
  limit,
);

test(
  'outcomes as the model predicts start nothing, and a monitor without traffic waits',
  async () => {
    const monitor = await startMonitor('calm', {});
    expect(await status(monitor)).toMatchObject({ reports: [], retrainings: 0 });
    for (let window = 0; window < 2; window += 1) await sendWindow('calm', 3);
    const now = await eventually(
      'two windows',
      async () => (await status(monitor)).reports.length === 2 && status(monitor),
    );
    expect(now).toMatchObject({ retrainings: 0, retraining: null });
    await monitor.cancel();
    expect(await runsOf('calm')).toEqual([]);
  },
  limit,
);
