/**
 * One thing that workflow code asked for while an audit replayed it. Values travel as JSON text, as Temporal's own converter
 * writes them, so that both sides of the comparison were made the same way.
 */
export type ReplayedCommand = {
  readonly kind: 'activity' | 'timer' | 'child' | 'signal' | 'continue-as-new' | 'result' | 'failure';
  /** What the history calls it by: activity id, timer id, workflow id; empty where a run has only one. */
  readonly id: string;
  /** Type of the activity or workflow, name of the signal; empty where there is none. */
  readonly name: string;
  readonly json: string;
};

/** One link of a failure and its causes, as far as both the thrown error and the history know it. */
export type FailureLink = {
  readonly message: string;
  readonly type: string | null;
  readonly details: readonly unknown[];
};

/** The replay worker's name: workflow code records its commands under this name only, never in a worker that serves. */
export const auditReplayName = 'perdura-audit-replay';
