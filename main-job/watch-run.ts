import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { RunOutcome } from '../domain/run.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { followRun } from '../cli/follow.ts';
import { plainView } from '../cli/progress-view.ts';
import { listRuns } from '../stores/runs.ts';
import { type Scene, pipeline } from './scene.ts';
import { runFact } from './summary.ts';

/** Follows a run to its end, whatever that is, and notes its outcome as the bucket has it. */
export async function watchRun(
  scene: Scene,
  what: string,
  startedBy: string,
  handle: WorkflowHandle,
): Promise<RunOutcome> {
  const view = plainView({ write: (line) => scene.say(`  ${line}`), now: () => Date.now() });
  // A failed run is one of the job's results, told by its outcome; a run without outcome is a fault.
  await followRun(handle, view, new AbortController().signal).catch((error: unknown) => {
    if (!(error instanceof WorkflowFailedError)) throw error;
  });
  const { runId } = await handle.describe();
  const outcome = await outcomeOf(scene, handle.workflowId, runId);
  const fact = runFact(what, startedBy, outcome);
  scene.runs.push(fact);
  scene.say(`  → ${fact.verdict}: ${fact.reason}`);
  return outcome;
}

async function outcomeOf(scene: Scene, workflowId: string, runId: string): Promise<RunOutcome> {
  const runs = await listRuns(scene.store, { pipeline });
  const outcome = runs.find((run) => run.start.workflowId === workflowId && run.start.runId === runId)?.outcome;
  if (outcome) return outcome;
  throw new Error(`Run ${workflowId} ended without an outcome in the bucket.`);
}

/** Waits for a condition, looking four times a second; gives up loudly. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | null | undefined | false>,
  limitMs = 120_000,
): Promise<Value> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`Waited ${limitMs / 1_000} s in vain for ${what}.`);
    await pause(250);
  }
}
