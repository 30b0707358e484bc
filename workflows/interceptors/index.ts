import type { WorkflowInterceptors } from '@temporalio/workflow';
import { runRecordInterceptors } from './run-record.ts';
import { strictReplayInterceptors } from './strict-replay.ts';

/** What Temporal loads into every workflow: strict replay outermost, so that it sees the run as the history does. */
export function interceptors(): WorkflowInterceptors {
  const parts = [strictReplayInterceptors(), runRecordInterceptors()];
  return {
    inbound: parts.flatMap((part) => part.inbound ?? []),
    outbound: parts.flatMap((part) => part.outbound ?? []),
    internals: parts.flatMap((part) => part.internals ?? []),
  };
}
