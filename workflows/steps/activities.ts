import { taskQueue } from '../../domain/config.ts';
import { type ActivityInterfaceFor, type ActivityOptions, proxyActivities } from '@temporalio/workflow';

/**
 * The project's own activities as steps: what a pipeline's `activities.ts` exports, on the `data` queue unless another is named. Takes Temporal's
 * own options; timeouts and retries are Temporal's.
 *
 * @example
 * import type * as own from './activities.ts';
 * const { lateByOrigin } = activities<typeof own>({ startToCloseTimeout: '10 minutes' });
 */
export function activities<Own>(options: ActivityOptions): ActivityInterfaceFor<Own> {
  return proxyActivities<Own>({ taskQueue: taskQueue('data'), ...options });
}
