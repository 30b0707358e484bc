import { Worker } from '@temporalio/worker';
import { type ReplayedCommand, auditReplayName } from '../domain/replayed-command.ts';
import type { RecordedHistory } from './capsule.ts';
import { type HistoryEvent, parseHistory } from './history.ts';
import { type RecordedCommand, historyCommands } from './history-commands.ts';
import { firstJsonDifference } from './json-difference.ts';

/** What the strict replay of one history found: how many commands were compared, and the first that differs. */
export type StrictReplay = { readonly commands: number; readonly difference: string | null };

/**
 * Runs archived workflow code against a recorded history and compares every command and the result with what the history says, values
 * included. Temporal's replayer alone checks only the kinds and the order of commands: a changed activity result that takes the same
 * branch passes it. Needs no server. Timestamps of events are not compared: only the signature covers them.
 *
 * @throws CodedError EVIDENCE_ALTERED when the text is no history.
 */
export async function strictReplay(bundleFile: string, history: RecordedHistory): Promise<StrictReplay> {
  const { events } = parseHistory(history.historyJson, `The history of ${history.workflowId}`);
  const wrongRun = runDifference(history, events);
  if (wrongRun !== null) return { commands: 0, difference: wrongRun };
  const replayed: ReplayedCommand[] = [];
  const record = { fn: (_: unknown, command: ReplayedCommand) => void replayed.push(command), callDuringReplay: true };
  const sinks = { strictReplay: { record } };
  const options = { workflowBundle: { codePath: bundleFile }, replayName: auditReplayName, sinks };
  const recorded = historyCommands(events);
  try {
    await Worker.runReplayHistory(options, JSON.parse(history.historyJson), history.workflowId);
  } catch (error) {
    // A changed value often shows as another command later on: the first difference in values says more than Temporal's words.
    const values = compare(history.workflowId, recorded, replayed, { complete: false });
    const message = error instanceof Error ? error.message : String(error);
    return { commands: recorded.length, difference: values ?? `${history.workflowId}: ${message}` };
  }
  const silent = recorded.length > 0 && replayed.length === 0;
  const difference = silent
    ? `${history.workflowId}: the archived code records nothing, it was bundled without the strict replay interceptor`
    : compare(history.workflowId, recorded, replayed, { complete: true });
  return { commands: recorded.length, difference };
}

/**
 * Holds a history's commands against those of the replay. They are matched by kind and id: code may ask for a timer and cancel it at once,
 * which no history shows. `complete` false: the replay broke off, so a missing command says nothing.
 */
function compare(
  workflowId: string,
  recorded: readonly RecordedCommand[],
  replayed: readonly ReplayedCommand[],
  options: { readonly complete: boolean },
): string | null {
  const waiting = new Map<string, ReplayedCommand[]>();
  for (const command of replayed) waiting.set(matchKey(command), [...(waiting.get(matchKey(command)) ?? []), command]);
  for (const command of recorded) {
    const where = `${workflowId} event ${command.eventId} (${describe(command)})`;
    const match = waiting.get(matchKey(command))?.shift();
    if (match === undefined && options.complete) return `${where}: the archived code does not ask for it`;
    if (match === undefined) continue;
    if (match.name !== command.name) return `${where}: the archived code asks for ${match.name}`;
    const difference = firstJsonDifference(command.value, JSON.parse(match.json));
    if (difference !== null)
      return `${where}: at ${difference.path} the history says ${difference.first}, the archived code ${difference.second}`;
  }
  return null;
}

/** A history belongs to the run that it started, or to the one that a reset made of it. */
function runDifference({ workflowId, workflowRunId }: RecordedHistory, events: readonly HistoryEvent[]): string | null {
  const started = events[0]?.workflowExecutionStartedEventAttributes;
  if (started === undefined) return `${workflowId} event 1 does not start a workflow`;
  const resets = events.map((event) => event.workflowTaskFailedEventAttributes?.newRunId);
  if ([started.originalExecutionRunId, ...resets].includes(workflowRunId)) return null;
  return `${workflowId} event 1 is of run ${started.originalExecutionRunId}, not of ${workflowRunId}`;
}

function matchKey({ kind, id }: Pick<ReplayedCommand, 'kind' | 'id'>): string {
  return `${kind} ${id}`;
}

function describe({ kind, name, id }: RecordedCommand): string {
  return [kind, name, kind === 'activity' || kind === 'timer' ? '' : id].filter((part) => part !== '').join(' ');
}
