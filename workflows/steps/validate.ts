import type { DataSchema } from '../../domain/expectation.ts';
import type { ValidationReport, Violation } from '../../domain/validation-report.ts';
import type { CodedFailure } from '../../domain/failure.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';
import { errorTable } from '../../domain/errors.ts';
import { ApplicationFailure } from '@temporalio/workflow';
import { data } from '../activities.ts';
import { recordStep, recordValidation } from '../run-progress.ts';

/**
 * Holds a snapshot against its schema in one scan; bad rows go to quarantine.
 *
 * @throws ApplicationFailure EXPECTATIONS_VIOLATED unless the verdict is `pass`: a gate that checked nothing has not passed.
 * @example
 * await validate(data, flightSchema);
 */
export async function validate(snapshot: SnapshotReference, schema: DataSchema): Promise<ValidationReport> {
  return recordStep(
    'validate',
    async () => {
      const report = await data.validateData({ snapshot, schema });
      recordValidation(report);
      if (report.verdict !== 'pass') throw violated(report);
      return report;
    },
    (report) => `${report.rows} rows hold ${report.expectations} expectations`,
  );
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
