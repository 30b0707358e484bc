import type { Finding } from '../domain/decision.ts';
import type { SnapshotReference } from '../domain/snapshot.ts';
import type { ValidationReport } from '../domain/validation-report.ts';
import type { Guardrail, Measurement } from '../domain/guardrail.ts';
import type { RunOutcome, RunStart, StepRecord } from '../domain/run.ts';
import type { StoredVersion } from '../stores/objects/object-store.ts';
import { quantity } from '../domain/quantity.ts';
import { describeFailure } from './errors.ts';
import { describeFindings as describeFindingsOfGate } from './gate-findings.ts';
import { coloured, elapsed, heading, moment, table } from './output.ts';

/** What a run left beside its own records. */
export type RunLeavings = {
  /** Each described already. */
  readonly trainings: readonly string[];
  readonly artifacts: readonly Pick<StoredVersion, 'key' | 'sizeBytes'>[];
};

/** A run for a person: what it was, its steps, what the gate found, what was trained, what each decision rests on, what it left in the bucket. */
export function describeRun(
  start: RunStart,
  outcome: RunOutcome | null,
  { trainings, artifacts }: RunLeavings,
): string {
  const parts = [
    describeStart(start, outcome),
    ...(outcome?.error ? [describeFailure(outcome.error)] : []),
    ...part('Steps', (outcome?.steps ?? []).length > 0 ? describeSteps(outcome?.steps ?? []) : ''),
    ...(outcome?.validations ?? []).flatMap((report) => part(gateTitle(report), describeReport(report))),
    ...trainings,
    ...(outcome?.decisions ?? []).flatMap(({ step, decision }) =>
      part(
        `Decision of ${step}: ${coloured(decision.outcome)}`,
        `${decision.reason}\n${describeFindings(decision.findings)}`.trim(),
      ),
    ),
    ...part('Artifacts', describeArtifacts(artifacts)),
  ];
  return parts.join('\n\n');
}

function part(title: string, text: string): readonly string[] {
  return text === '' ? [] : [`${heading(title)}\n${text}`];
}

function describeStart(start: RunStart, outcome: RunOutcome | null): string {
  const rows: readonly (readonly [string, string])[] = [
    ['run', `${start.workflowId} (${start.runId})`],
    ['pipeline', start.pipeline],
    ['status', coloured(outcome?.status ?? 'running')],
    ['outcome', outcome?.outcome ? coloured(outcome.outcome) : ''],
    ['reason', outcome?.error ? '' : (outcome?.reason ?? '')],
    ['started', `${moment(start.startedAt)} by ${start.startedBy}`],
    ['took', outcome === null ? '' : elapsed(Date.parse(outcome.endedAt) - Date.parse(outcome.startedAt))],
    ['input', JSON.stringify(start.input)],
    ['code', `bundle ${start.environment.bundleSha256.slice(0, 12)}, commit ${start.environment.gitCommit ?? 'none'}`],
  ];
  const shown = rows.filter(([, value]) => value !== '');
  return shown.map(([name, value]) => `${name.padEnd(9)} ${value}`).join('\n');
}

function describeSteps(steps: readonly StepRecord[]): string {
  return table(
    ['STEP', 'STATUS', 'TOOK', 'SUMMARY'],
    steps.map((step) => [step.step, coloured(step.status), elapsed(step.elapsedMs), step.summary]),
  );
}

function gateTitle(report: ValidationReport): string {
  return `Validation of ${nameOf(report.snapshot)}: ${coloured(report.decision ?? report.verdict)}`;
}

function describeReport(report: ValidationReport): string {
  const { quarantine, accepted, snapshot, page } = report;
  const rest = accepted !== null && accepted !== undefined && accepted.digest !== snapshot.digest ? accepted : null;
  const lines = [
    describeFindingsOfGate(report),
    quarantine === null ? '' : `${quarantine.rows} rows in quarantine: ${quarantine.key}`,
    rest === null ? '' : `${rest.rows} clean rows went on: ${nameOf(rest)}`,
    page === null || page === undefined ? '' : `The whole report: ${page.key}`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function nameOf({ dataset, digest }: SnapshotReference): string {
  return `${dataset}@${digest.slice(0, 12)}`;
}

function describeFindings(findings: readonly Finding[]): string {
  if (findings.length === 0) return '';
  return table(
    ['GUARDRAIL', 'VERDICT', 'MEASURED', 'N', 'REASON'],
    findings.map(({ guardrail, verdict, measurement, reason }) => [
      describeGuardrail(guardrail) + (guardrail.by === undefined ? '' : ` by ${guardrail.by}`),
      coloured(verdict),
      measured(measurement),
      measurement === null ? '' : String(measurement.n),
      reason,
    ]),
  );
}

function describeGuardrail(guardrail: Guardrail): string {
  switch (guardrail.rule) {
    case 'atLeast':
      return `${guardrail.metric} ≥ ${guardrail.limit}`;
    case 'atMost':
      return `${guardrail.metric} ≤ ${guardrail.limit}`;
    case 'nonInferior':
      return `${guardrail.metric} not worse by ${guardrail.margin} (α ${guardrail.alpha})`;
    case 'noAlarm':
      return `${guardrail.metric} no alarm (α ${guardrail.alpha})`;
    default:
      return guardrail satisfies never;
  }
}

function measured(measurement: Measurement | null): string {
  if (measurement === null || measurement.value === null) return 'nothing';
  const number = (value: number) => String(Number(value.toPrecision(5)));
  const { lower, upper } = measurement;
  const interval =
    typeof lower === 'number' && typeof upper === 'number' ? ` [${number(lower)}, ${number(upper)}]` : '';
  const { unit } = measurement;
  const value = unit === 'bytes' || unit === 'rows/s' ? quantity(measurement) : number(measurement.value);
  return `${value}${unit === 'ms' ? ' ms' : ''}${interval}`;
}

function describeArtifacts(artifacts: readonly Pick<StoredVersion, 'key' | 'sizeBytes'>[]): string {
  if (artifacts.length === 0) return '';
  return table(
    ['KEY', 'BYTES'],
    artifacts.map((artifact) => [artifact.key, String(artifact.sizeBytes)]),
  );
}
