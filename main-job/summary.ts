import type { CodedFailure } from '../domain/failure.ts';
import type { DriftReport } from '../domain/drift-report.ts';
import type { Alias } from '../domain/registry.ts';
import type { RunOutcome } from '../domain/run.ts';
import type { ServedFeatures } from './served-features.ts';
import { coloured, elapsed, heading, table } from '../cli/output.ts';

/** One run as the closing table shows it. */
export type RunFact = {
  readonly what: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly startedBy: string;
  readonly verdict: string;
  readonly reason: string;
  readonly elapsedMs: number;
};

/** All that the job has to say at its end; `--json` prints just this. */
export type Summary = {
  readonly runs: readonly RunFact[];
  readonly models: readonly {
    readonly model: string;
    readonly modelVersion: string;
    readonly semanticVersion: string;
    readonly status: string;
    readonly aliases: readonly Alias[];
  }[];
  readonly requests: {
    readonly answered: number;
    /** Of those answered, the ones that were asked by gRPC; the others by REST. */
    readonly byGrpc: number;
    readonly failed: number;
    readonly labels: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
  };
  readonly gate: CodedFailure | null;
  readonly drift: { readonly report: DriftReport | null; readonly retrainings: number };
  /** What was served beside what the lake gives. */
  readonly features: ServedFeatures;
  readonly audit: {
    readonly run: string;
    readonly verdict: string;
    /** A Temporal of somebody else is not stopped, only not asked. */
    readonly temporal: 'stopped' | 'not asked';
    readonly checks: number;
    readonly elapsedMs: number;
    readonly afterOneByte: string;
  };
  readonly elapsedMs: number;
  readonly startUpMs: number;
  readonly peakMemoryBytes: number | null;
  readonly look: readonly string[];
};

/** The verdict and reason of an ended run. */
export function runFact(what: string, startedBy: string, outcome: RunOutcome): RunFact {
  return {
    what,
    workflowId: outcome.workflowId,
    runId: outcome.runId,
    startedBy,
    verdict: outcome.outcome ?? (outcome.error?.code === 'EXPECTATIONS_VIOLATED' ? 'stopped' : outcome.status),
    reason: outcome.reason ?? '',
    elapsedMs: Date.parse(outcome.endedAt) - Date.parse(outcome.startedAt),
  };
}

/**
 * What a job must not end without, one sentence each: it exits 1 then. Whether a challenger is promoted or rejected is for the evidence to say,
 * and whether spring drifts away from the champion too: an earlier job may have left one that fits.
 */
export function shortfallsOf({ runs, requests, drift, gate, features }: Summary): readonly string[] {
  const failed = runs
    .filter((run) => ['failed', 'cancelled'].includes(run.verdict))
    .map((run) => `run ${run.workflowId} ended as ${run.verdict}`);
  return [
    ...failed,
    ...(gate === null ? ['the broken batch was not stopped at the gate'] : []),
    ...(requests.answered === 0 ? ['no request was answered'] : []),
    ...(requests.byGrpc === 0 ? ['no request was answered by gRPC'] : []),
    ...(requests.failed > 0 ? [`${requests.failed} requests failed`] : []),
    ...(features.outcome === 'same' ? [] : [`the features served beside those of the lake: ${features.outcome}`]),
    ...(drift.retrainings > 1 ? [`retraining was started ${drift.retrainings} times`] : []),
  ];
}

/** The closing table for a person. */
export function summaryText(summary: Summary): string {
  const { requests, drift, features, audit } = summary;
  return [
    heading('Runs'),
    table(
      ['what', 'run', 'started by', 'verdict', 'took'],
      summary.runs.map((run) => [
        run.what,
        run.workflowId,
        run.startedBy,
        coloured(run.verdict),
        elapsed(run.elapsedMs),
      ]),
    ),
    ...summary.runs.map((run) => `  ${run.what}: ${run.reason}`),
    '',
    heading('Models'),
    table(
      ['model', 'version', 'semantic', 'status', 'alias'],
      summary.models.map((version) => [
        version.model,
        version.modelVersion,
        version.semanticVersion,
        coloured(version.status),
        version.aliases.join(', '),
      ]),
    ),
    '',
    heading('Traffic, drift, audit'),
    `requests   ${requests.answered} answered (${requests.answered - requests.byGrpc} by REST, ${requests.byGrpc} by gRPC), ${requests.failed} failed, ${requests.labels} outcomes told; client saw p50 ${requests.p50Ms} ms, p99 ${requests.p99Ms} ms`,
    `drift      ${drift.report === null ? 'none found' : `${drift.report.reason} (version ${drift.report.modelVersion}, ${drift.report.window.labels} labelled answers)`}; retraining started ${drift.retrainings} times`,
    `features   ${features.requests - features.notCovered} answers beside ${features.snapshot}: ${features.outcome}`,
    `audit      ${audit.run}: ${coloured(audit.verdict)}, ${audit.checks} checks in ${elapsed(audit.elapsedMs)}, Temporal ${audit.temporal}`,
    `           after one byte of evidence was changed: ${audit.afterOneByte}`,
    `job        ${elapsed(summary.elapsedMs)} (${elapsed(summary.startUpMs)} of it to start the services)${summary.peakMemoryBytes === null ? '' : `, at most ${(summary.peakMemoryBytes / 2 ** 30).toFixed(2)} GiB in all processes`}`,
    '',
    heading('Look closer'),
    ...summary.look.map((line) => `  ${line}`),
  ].join('\n');
}
