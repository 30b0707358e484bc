import { setTimeout as delay } from 'node:timers/promises';

import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';

import type { StepRecord } from '../domain/run.ts';
import type { Progress, ProgressView } from './progress-view.ts';

const lookEveryMs = 400;

/**
 * Follows a run to its end and gives its result; what the run threw is thrown. What it shows comes from the run's own `progress`
 * query and from the heartbeats of its activities. Not being able to look, for example while a worker restarts, ends nothing.
 * When `signal` aborts, the view is closed and nothing is shown any more.
 */
export async function followRun(handle: WorkflowHandle, view: ProgressView, signal: AbortSignal): Promise<unknown> {
  let over = false;
  const stop = () => (over = true);
  signal.addEventListener('abort', stop);
  const result = handle.result().finally(stop);
  const ended = result.then(
    () => undefined,
    () => undefined,
  );
  const look = async () => view.update(await readProgress(handle));
  try {
    while (!over) {
      await look().catch(() => undefined);
      await Promise.race([ended, delay(lookEveryMs, undefined, { signal }).catch(() => undefined)]);
    }
    // Once more: the last steps may have ended since the last look.
    if (!signal.aborted) await look().catch(() => undefined);
  } finally {
    signal.removeEventListener('abort', stop);
    await view.close();
  }
  return result;
}

async function readProgress(handle: WorkflowHandle): Promise<Progress> {
  const [{ steps }, { raw }] = await Promise.all([
    handle.query<{ readonly steps: readonly StepRecord[] }>('progress'),
    handle.describe(),
  ]);
  return { steps, notes: (raw.pendingActivities ?? []).flatMap((activity) => notesOf(activity)) };
}

type Activity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** What an activity says of itself; of one that is tried again also why, because it may wait for something that a person can mend. */
function notesOf({ attempt, lastFailure, heartbeatDetails }: Activity): readonly string[] {
  const [note] = noteOf(heartbeatDetails?.payloads?.[0]);
  const again =
    (attempt ?? 1) > 1 && lastFailure?.message ? `attempt ${attempt}, after: ${lastFailure.message}` : undefined;
  const words = [note, again].filter((word) => word !== undefined);
  return words.length === 0 ? [] : [words.join('; ')];
}

type Payload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];

function noteOf(payload: Payload | null | undefined): readonly string[] {
  if (!payload) return [];
  const { note } = defaultPayloadConverter.fromPayload<{ readonly note?: unknown }>(payload);
  return typeof note === 'string' && note !== '' ? [note] : [];
}
