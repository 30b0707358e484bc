import { Context } from '@temporalio/activity';

/** The run that the running activity belongs to, as a history names it. */
export function currentRun(): string {
  const { workflowExecution, activityType } = Context.current().info;
  return workflowExecution === undefined ? activityType : `run ${workflowExecution.workflowId}`;
}

/** Names the running activity's call: the same in each attempt, and no other's. */
export function currentCall(): string {
  const { workflowExecution, activityId } = Context.current().info;
  return [workflowExecution?.workflowId ?? '', workflowExecution?.runId ?? '', activityId].join('/');
}
