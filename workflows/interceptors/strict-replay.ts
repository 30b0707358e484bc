import type { WorkflowInterceptors } from '@temporalio/workflow';
import {
  ApplicationFailure,
  ContinueAsNew,
  TemporalFailure,
  isCancellation,
  proxySinks,
  workflowInfo,
} from '@temporalio/workflow';
import { type FailureLink, type ReplayedCommand, auditReplayName } from '../../domain/replayed-command.ts';
import type { StrictReplaySinks } from './strict-replay-sinks.ts';

/**
 * Hands every command with its values, and the result, to the audit while it replays. Temporal's replayer compares only which commands
 * come in which order: it accepts changed values. Outside an audit nothing is recorded and nothing else changes.
 *
 * Merge it first: inbound the outermost sees the end as the history does. An outbound interceptor behind it must not change arguments.
 */
export function strictReplayInterceptors(): WorkflowInterceptors {
  const { taskQueue, unsafe } = workflowInfo();
  if (!unsafe.isReplaying || !taskQueue.startsWith(auditReplayName)) return {};
  return { inbound: [{ execute: recordEnd }], outbound: [recordCommands] };
}

type Inbound = NonNullable<WorkflowInterceptors['inbound']>[number];
type Outbound = NonNullable<WorkflowInterceptors['outbound']>[number];

const { strictReplay } = proxySinks<StrictReplaySinks>();

const recordCommands: Outbound = {
  scheduleActivity(input, next) {
    record(
      { kind: 'activity', id: input.options.activityId ?? String(input.seq), name: input.activityType },
      input.args,
    );
    return next(input);
  },
  startTimer(input, next) {
    record({ kind: 'timer', id: String(input.seq), name: '' }, input.durationMs);
    return next(input);
  },
  startChildWorkflowExecution(input, next) {
    record({ kind: 'child', id: input.options.workflowId, name: input.workflowType }, input.options.args);
    return next(input);
  },
  signalWorkflow(input, next) {
    const { target } = input;
    const id = target.type === 'child' ? target.childWorkflowId : (target.workflowExecution.workflowId ?? '');
    record({ kind: 'signal', id, name: input.signalName }, input.args);
    return next(input);
  },
  continueAsNew(input, next) {
    record({ kind: 'continue-as-new', id: '', name: input.options.workflowType }, input.args);
    return next(input);
  },
};

const recordEnd: NonNullable<Inbound['execute']> = async (input, next) => {
  try {
    const result = await next(input);
    record({ kind: 'result', id: '', name: '' }, result);
    return result;
  } catch (error) {
    if (!(error instanceof ContinueAsNew) && !isCancellation(error))
      record({ kind: 'failure', id: '', name: '' }, failureLinks(error));
    throw error;
  }
};

function record(command: Omit<ReplayedCommand, 'json'>, value: unknown): void {
  strictReplay.record({ ...command, json: JSON.stringify(value) ?? 'null' });
}

function failureLinks(error: unknown): readonly FailureLink[] {
  if (!(error instanceof Error)) return [];
  const link = { message: error.message, type: failureType(error), details: [] };
  const links = error instanceof ApplicationFailure ? { ...link, details: error.details ?? [] } : link;
  return [links, ...failureLinks(error.cause)];
}

/** Temporal writes an ordinary error as an application failure of the type that its name says. */
function failureType(error: Error): string | null {
  if (error instanceof ApplicationFailure) return error.type ?? null;
  return error instanceof TemporalFailure ? null : error.name;
}
