import type { Beat } from '../activities/heartbeat.ts';
import type { RecordedHistory } from '../audit/capsule.ts';
import type { RunKey } from '../domain/run.ts';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;

/** Waits until a run is closed, then fetches its history and those of the children that it started (but for the archive itself), byte for byte as
 * Temporal tells them. A run that continued as new is told by its first part. */
export async function closedHistories(client: Client, run: RunKey, beat: Beat): Promise<readonly RecordedHistory[]> {
  const own = client.workflow.getHandle(run.workflowId, undefined, { firstExecutionRunId: run.runId });
  for (;;) {
    const description = await own.describe();
    if (description.status.name !== 'RUNNING') break;
    beat.note(`waiting for ${run.workflowId} to close`);
    await pause(100, undefined, { signal: beat.signal });
  }
  const first = await client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
  const children = childrenIn(first).filter((child) => child.workflowType !== 'archive');
  const histories = [
    recorded({ workflowId: run.workflowId, workflowRunId: run.runId, workflowType: run.pipeline }, first),
  ];
  for (const child of children) {
    histories.push(
      recorded(child, await client.workflow.getHandle(child.workflowId, child.workflowRunId).fetchHistory()),
    );
  }
  return histories;
}

function childrenIn(history: History): readonly Omit<RecordedHistory, 'historyJson'>[] {
  return (history.events ?? []).flatMap((event) => {
    const started = event.childWorkflowExecutionStartedEventAttributes;
    const execution = started?.workflowExecution;
    if (!started || !execution?.workflowId || !execution.runId) return [];
    return [
      {
        workflowId: execution.workflowId,
        workflowRunId: execution.runId,
        workflowType: started.workflowType?.name ?? '',
      },
    ];
  });
}

function recorded(names: Omit<RecordedHistory, 'historyJson'>, history: History): RecordedHistory {
  return { ...names, historyJson: historyToJSON(history) };
}
