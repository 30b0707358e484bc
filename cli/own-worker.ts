import type { Client } from '@temporalio/client';

import type { Config, Queue } from '../domain/config.ts';
import { taskQueue } from '../domain/config.ts';
import { embedsTemporal } from '../services/addresses.ts';
import { findDev } from './dev-state.ts';

const queues: readonly Queue[] = ['control', 'data'];

/** Temporal's number for the pollers of activities; every worker of ours polls for them. */
const activityPollers = 2;

/** A poll waits for up to a minute; a poller that was not seen for longer is gone. */
const freshMs = 70_000;

/**
 * Whether someone else's worker will do the steps: `perdura dev` of this home folder, or, where Temporal is given, workers that poll
 * its queues. An embedded Temporal remembers pollers of a worker that just ended, so there only `perdura dev` counts.
 */
export async function hasWorker(client: Client, config: Config): Promise<boolean> {
  if ((await findDev(config.homeFolder)) !== null) return true;
  if (embedsTemporal(config)) return false;
  const polled = await Promise.all(queues.map((queue) => isPolled(client, config, queue)));
  return polled.every((each) => each);
}

async function isPolled(client: Client, config: Config, queue: Queue): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: config.temporal.namespace,
    taskQueue: { name: taskQueue(queue) },
    taskQueueType: activityPollers,
  });
  const newest = Math.max(0, ...(pollers ?? []).map((poller) => Number(poller.lastAccessTime?.seconds ?? 0) * 1_000));
  return newest > Date.now() - freshMs;
}
