import type { EndpointClient } from '../activities/release/endpoint-client.ts';
import type { Route } from '../domain/route.ts';
import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { taskQueue } from '../domain/config.ts';

/** Sends route changes to endpoint workflows by update-with-start: the first change of an endpoint starts its workflow. */
export function createEndpointClient(client: Client): EndpointClient {
  return {
    async change(request) {
      const { endpoint, changeId } = request.change;
      try {
        return await client.workflow.executeUpdateWithStart<(name: string) => Promise<void>, Route, [typeof request]>(
          'change',
          {
            args: [request],
            updateId: changeId,
            startWorkflowOperation: new WithStartWorkflowOperation<(name: string) => Promise<void>>('endpoint', {
              workflowId: `endpoint/${endpoint}`,
              taskQueue: taskQueue('control'),
              args: [endpoint],
              workflowIdConflictPolicy: 'USE_EXISTING',
            }),
          },
        );
      } catch (error) {
        // The endpoint's own words (ENDPOINT_BUSY, CONFLICT) are the cause; the wrapper says nothing.
        if (error instanceof WorkflowUpdateFailedError && error.cause !== undefined) throw error.cause;
        throw error;
      }
    },
    async isOpen(workflowId) {
      try {
        const description = await client.workflow.getHandle(workflowId).describe();
        return description.status.name === 'RUNNING';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
  };
}
