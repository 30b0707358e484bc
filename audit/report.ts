import type { RunKey } from '../domain/run.ts';

/** One thing that a replay checked. */
export type ReplayCheck = {
  readonly name: string;
  readonly status: 'ok' | 'failed';
  /** What was checked, or which object or event differs and how. */
  readonly detail: string;
};

/** What an audit replay found; `IDENTICAL` only when every check is ok. */
export type ReplayReport = {
  readonly verdict: 'IDENTICAL' | 'DIFFERENT';
  readonly checks: readonly ReplayCheck[];
  /** Detail of the first check that failed. */
  readonly firstDifference: string | null;
  readonly elapsedMs: number;
};

/** A check that holds. */
export function ok(name: string, detail: string): ReplayCheck {
  return { name, status: 'ok', detail };
}

/** A check that does not hold. */
export function failed(name: string, detail: string): ReplayCheck {
  return { name, status: 'failed', detail };
}

/** The verdict that checks amount to. No check at all is no proof: it is DIFFERENT. */
export function toReport(checks: readonly ReplayCheck[], elapsedMs: number): ReplayReport {
  const failed = checks.find((check) => check.status === 'failed');
  const identical = checks.length > 0 && failed === undefined;
  const firstDifference = failed?.detail ?? (identical ? null : 'Nothing was checked.');
  return { verdict: identical ? 'IDENTICAL' : 'DIFFERENT', checks, firstDifference, elapsedMs };
}

/** A report as lines for a person: each check, then the verdict. */
export function reportLines(run: Pick<RunKey, 'workflowId' | 'runId'>, report: ReplayReport): readonly string[] {
  const width = Math.max(...report.checks.map(({ name }) => name.length), 0);
  return [
    `Replay of ${run.workflowId} (${run.runId})`,
    ...report.checks.map(({ name, status, detail }) => `  ${status.padEnd(6)}  ${name.padEnd(width)}  ${detail}`),
    ...(report.firstDifference === null ? [] : [`First difference: ${report.firstDifference}`]),
    `${report.verdict} (${report.checks.length} checks in ${(report.elapsedMs / 1000).toFixed(1)} s)`,
  ];
}
