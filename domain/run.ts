import type { Decision } from './decision.ts';
import type { ValidationReport } from './validation-report.ts';
import type { CodedFailure } from './failure.ts';

/** A run of a pipeline: `workflowId` is the business id, `runId` is Temporal's first workflow run id of it. */
export type RunKey = { readonly pipeline: string; readonly workflowId: string; readonly runId: string };

/** Written when a run starts: `runs/<pipeline>/<workflowId>/<runId>/run.json`. */
export type RunStart = RunKey & {
  readonly input: unknown;
  readonly startedAt: string;
  readonly startedBy: 'person' | 'schedule' | 'monitor';
  readonly environment: Environment;
};

/** What the code ran on. */
export type Environment = {
  readonly node: string;
  readonly platform: string;
  readonly perdura: string;
  readonly temporalSdk: string;
  /** SHA-256 of the workflow bundle, hex; identity of the code. */
  readonly bundleSha256: string;
  /** SHA-256 of package-lock.json, hex; null when the project has none. */
  readonly lockfileSha256: string | null;
  readonly gitCommit: string | null;
};

/** One awaited step, as the workflow saw it. */
export type StepRecord = {
  readonly step: string;
  readonly startedAt: string;
  readonly elapsedMs: number;
  readonly status: 'running' | 'completed' | 'failed';
  /** One line for a person: rows, verdict, weights. */
  readonly summary: string;
};

/** Written when a run ends: `runs/…/outcome.json`. `outcome` is the pipeline's own word: promoted, rejected, … */
export type RunOutcome = RunKey & {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly result: unknown;
  readonly error: CodedFailure | null;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly steps: readonly StepRecord[];
  /** Every decision that the pipeline's branches rested on, in order. */
  readonly decisions: readonly { readonly step: string; readonly decision: Decision }[];
  /** What the validation gate found, once for each `validate`. */
  readonly validations: readonly ValidationReport[];
};

/** What a release pipeline returns. A rejected challenger is a normal result. */
export type ReleaseOutcome = {
  readonly outcome: 'promoted' | 'rejected';
  readonly model: string;
  readonly modelVersion: string;
  readonly reason: string;
};

/** The folder of a run in the bucket, with a slash at the end. */
export function runFolder(run: RunKey): string {
  return `runs/${run.pipeline}/${run.workflowId}/${run.runId}/`;
}

/** The folder of a run's capsule in the bucket, with a slash at the end. */
export function evidenceFolder(run: Pick<RunKey, 'workflowId' | 'runId'>): string {
  return `evidence/${run.workflowId}/${run.runId}/`;
}
