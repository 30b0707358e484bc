import type { EndpointClient } from '../activities/release/endpoint-client.ts';
import type { Route } from '../domain/route.ts';
import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
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
        throw error instanceof WorkflowUpdateFailedError ? ownWords(error) : error;
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

/** The endpoint's own words (ENDPOINT_BUSY) or its activity's (CONFLICT, INPUT_INVALID) lie below wrappers that have no code: those would be retried for ever. */
function ownWords(error: WorkflowUpdateFailedError): Error {
  for (let link: unknown = error.cause; link instanceof Error; link = link.cause)
    if (link instanceof ApplicationFailure) return link;
  return error;
}
