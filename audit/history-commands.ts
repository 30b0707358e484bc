import type { FailureLink, ReplayedCommand } from '../domain/replayed-command.ts';
import { type HistoryEvent, type HistoryFailure, decodePayloads } from './history.ts';

/** What a history says the workflow asked for, and by which event. */
export type RecordedCommand = Omit<ReplayedCommand, 'json'> & {
  readonly eventId: string;
  readonly value: unknown;
};

/**
 * The commands of a history with their values, in order. Local activities, side effects and search attributes are left to Temporal's own
 * replayer: histories keep no arguments of them.
 */
export function historyCommands(events: readonly HistoryEvent[]): readonly RecordedCommand[] {
  return events.flatMap((event) => {
    const command = toCommand(event);
    return command === null ? [] : [{ ...command, eventId: event.eventId }];
  });
}

function toCommand(event: HistoryEvent): Omit<RecordedCommand, 'eventId'> | null {
  return scheduled(event) ?? ended(event);
}

function scheduled(event: HistoryEvent): Omit<RecordedCommand, 'eventId'> | null {
  const activity = event.activityTaskScheduledEventAttributes;
  if (activity) return asked('activity', activity.activityId, activity.activityType.name, activity.input);
  const timer = event.timerStartedEventAttributes;
  if (timer) return { kind: 'timer', id: timer.timerId, name: '', value: timeoutMs(timer.startToFireTimeout) };
  const child = event.startChildWorkflowExecutionInitiatedEventAttributes;
  if (child) return asked('child', child.workflowId, child.workflowType.name, child.input);
  const signal = event.signalExternalWorkflowExecutionInitiatedEventAttributes;
  if (signal) return asked('signal', signal.workflowExecution.workflowId, signal.signalName, signal.input);
  return null;
}

function ended(event: HistoryEvent): Omit<RecordedCommand, 'eventId'> | null {
  const again = event.workflowExecutionContinuedAsNewEventAttributes;
  if (again) return asked('continue-as-new', '', again.workflowType.name, again.input);
  const completed = event.workflowExecutionCompletedEventAttributes;
  if (completed) return { kind: 'result', id: '', name: '', value: decodePayloads(completed.result)[0] ?? null };
  const failed = event.workflowExecutionFailedEventAttributes;
  if (failed) return { kind: 'failure', id: '', name: '', value: failureLinks(failed.failure) };
  return null;
}

function asked(
  kind: RecordedCommand['kind'],
  id: string,
  name: string | null | undefined,
  input: Parameters<typeof decodePayloads>[0],
): Omit<RecordedCommand, 'eventId'> {
  return { kind, id, name: name ?? '', value: decodePayloads(input) };
}

/** Protobuf's JSON writes durations as seconds: `1.500s`. */
function timeoutMs(text: string | null | undefined): number {
  return Math.round(Number((text ?? '0s').replace(/s$/, '')) * 1000);
}

function failureLinks(failure: HistoryFailure | null | undefined): readonly FailureLink[] {
  if (!failure) return [];
  const info = failure.applicationFailureInfo;
  const link = { message: failure.message ?? '', type: info?.type || null, details: decodePayloads(info?.details) };
  return [link, ...failureLinks(failure.cause)];
}
