import { type ActivityInterfaceFor, type ActivityOptions, proxyActivities } from '@temporalio/workflow';

/**
 * The project's own activities as steps: what a pipeline's `activities.ts` exports. Takes Temporal's own options; timeouts and retries are
 * Temporal's. Without `taskQueue` a step runs on the pipeline's own queue, where Temporal hands it to the worker along with the workflow's
 * answer (eager execution); name `perdura-data` or `perdura-gpu` for heavy work.
 *
 * @example
 * import type * as own from './activities.ts';
 * const { lateByOrigin } = activities<typeof own>({ startToCloseTimeout: '10 minutes' });
 */
export function activities<Own>(options: ActivityOptions): ActivityInterfaceFor<Own> {
  return proxyActivities<Own>(options);
}
