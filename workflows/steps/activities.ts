import { type ActivityInterfaceFor, type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import { recordStep } from '../run-progress.ts';

type Call = (...args: readonly unknown[]) => Promise<unknown>;

/**
 * The project's own activities as steps: what a pipeline's `activities.ts` exports, recorded like every other step. Takes Temporal's own
 * options; timeouts and retries are Temporal's. Without `taskQueue` a step runs on the pipeline's own queue, where Temporal hands it to the
 * worker along with the workflow's answer (eager execution); name `perdura-data` or `perdura-gpu` for heavy work.
 *
 * @example
 * import type * as own from './activities.ts';
 * const { lateByOrigin } = activities<typeof own>({ startToCloseTimeout: '10 minutes' });
 */
export function activities<Own>(options: ActivityOptions): ActivityInterfaceFor<Own> {
  const proxied = proxyActivities<Record<string, Call>>(options);
  const recorded = new Proxy(proxied, {
    get: (calls, name) => {
      const call = calls[String(name)];
      return (
        call &&
        ((...args: readonly unknown[]) =>
          recordStep(
            String(name),
            () => call(...args),
            () => '',
          ))
      );
    },
  });
  return recorded as ActivityInterfaceFor<Own>;
}
