import type { DataSchema } from '../../domain/expectation.ts';
import type { ValidationReport, Violation } from '../../domain/validation-report.ts';
import type { CodedFailure } from '../../domain/failure.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';
import { errorTable } from '../../domain/errors.ts';
import { ApplicationFailure } from '@temporalio/workflow';
import { data } from '../activities.ts';
import { recordStep, recordValidation, thisRun } from '../run-progress.ts';

/** `environment` picks the expectations that are held; `training` unless said. */
export type ValidateOptions = { readonly environment?: string };

/**
 * Holds a snapshot against its schema; bad rows go to quarantine. What may go on is the report's `accepted`: the snapshot, or, where the
 * schema allows a share of bad rows, its clean rest.
 *
 * @throws ApplicationFailure EXPECTATIONS_VIOLATED unless the verdict is `pass`: a gate that checked nothing has not passed.
 * @example
 * const { accepted } = await validate(data, flightSchema);
 */
export async function validate(
  snapshot: SnapshotReference,
  schema: DataSchema,
  options: ValidateOptions = {},
): Promise<Accepted> {
  return recordStep(
    'validate',
    async () => {
      const report = await data.validateData({ snapshot, schema, ...asked(schema, options) });
      recordValidation(report);
      if (report.verdict !== 'pass') throw violated(report);
      // A report from before there were decisions accepted the whole snapshot.
      return { ...report, accepted: report.accepted ?? snapshot };
    },
    summary,
  );
}

/** A report whose data may go on. */
export type Accepted = ValidationReport & { readonly accepted: SnapshotReference };

/** Only what differs from the usual: an activity's input is part of a run's evidence. */
function asked(schema: DataSchema, { environment }: ValidateOptions): { environment?: string; pipeline?: string } {
  const functions = schema.expectations.some(({ kind }) => kind === 'rowFunction');
  return {
    ...(environment === undefined ? {} : { environment }),
    ...(functions ? { pipeline: thisRun().pipeline } : {}),
  };
}

function summary({ rows, expectations, decision, badRows, violations }: ValidationReport): string {
  const held = `${rows} rows hold ${expectations} expectations`;
  if (decision === 'quarantine')
    return `${badRows} of ${rows} rows in quarantine, the others hold ${expectations} expectations`;
  return decision === 'warn' ? `${held}, ${violations.length} with a warning` : held;
}

function violated(report: ValidationReport): ApplicationFailure {
  const blocking = report.violations.filter((violation) => violation.severity === 'block');
  const found = blocking.length === 0 ? 'there was nothing to check' : blocking.map(describe).join('; ');
  const kept =
    report.quarantine === null ? '' : ` ${report.quarantine.rows} rows are in quarantine at ${report.quarantine.key}.`;
  const message = `Snapshot ${report.snapshot.dataset}@${report.snapshot.digest.slice(0, 12)} was stopped at the gate: ${found}.${kept}`;
  const failure: CodedFailure = {
    code: 'EXPECTATIONS_VIOLATED',
    message,
    remedy: errorTable.EXPECTATIONS_VIOLATED.remedy,
    details: { report },
  };
  return ApplicationFailure.create({ type: failure.code, message, nonRetryable: true, details: [failure] });
}

function describe(violation: Violation): string {
  return `${violation.code}${violation.column === null ? '' : ` in '${violation.column}'`} (${violation.count})`;
}
