import type { Decision } from '../domain/decision.ts';
import type { ValidationReport } from '../domain/validation-report.ts';
import type { RunKey, StepRecord } from '../domain/run.ts';
import { defineQuery, workflowInfo } from '@temporalio/workflow';

/** What `perdura run` shows while a run is under way. */
export const progressQuery = defineQuery<{ readonly steps: readonly StepRecord[] }>('progress');

/** One workflow's own record of what it awaited; Temporal gives every workflow its own instance of this module. */
const state: {
  steps: StepRecord[];
  decisions: { step: string; decision: Decision }[];
  validations: ValidationReport[];
} = {
  steps: [],
  decisions: [],
  validations: [],
};

/** A step that is under way: names it uniquely within the run and lets it say how far it is. */
export type StepHandle = { readonly stepId: string; note(summary: string): void };

/** The run that this workflow is; its id stays the same over continue-as-new. */
export function thisRun(): RunKey {
  const info = workflowInfo();
  return { pipeline: info.workflowType, workflowId: info.workflowId, runId: info.firstExecutionRunId };
}

/** Names a step of this run to everybody outside: the idempotency key of what it writes. */
export function stepKey(stepId: string): string {
  const run = thisRun();
  return `${run.workflowId}/${run.runId}/${stepId}`;
}

/**
 * Runs one step and records that it started, how it ended and how long it took.
 * Numbered in the order of calls, so that a pipeline may await the same step twice or several at once.
 */
export async function recordStep<Result>(
  step: string,
  run: (handle: StepHandle) => Promise<Result>,
  summarise: (result: Result) => string,
): Promise<Result> {
  const index = state.steps.length;
  const startedAt = new Date().toISOString();
  const began = Date.now();
  const set = (status: StepRecord['status'], summary: string) => {
    state.steps[index] = { step, startedAt, elapsedMs: Date.now() - began, status, summary };
  };
  set('running', '');
  try {
    const result = await run({ stepId: `${index}-${step}`, note: (summary) => set('running', summary) });
    set('completed', summarise(result));
    return result;
  } catch (error) {
    set(
      'failed',
      error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error),
    );
    throw error;
  }
}

/** Keeps a decision that a branch of the pipeline rests on. */
export function recordDecision(step: string, decision: Decision): void {
  state.decisions.push({ step, decision });
}

/** Keeps what a validation gate found. */
export function recordValidation(report: ValidationReport): void {
  state.validations.push(report);
}

/** All that was recorded so far. */
export function recorded(): {
  readonly steps: readonly StepRecord[];
  readonly decisions: readonly { step: string; decision: Decision }[];
  readonly validations: readonly ValidationReport[];
} {
  return state;
}
