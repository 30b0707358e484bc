import type { Violation } from '../../domain/validation-report.ts';
import { type BadRows, samplesOf, topValues } from './bad-rows.ts';
import type { NumberedCheck, RowCheck, StructureCheck, ValueCheck } from './check.ts';
import type { Found, ScanResult } from './scan.ts';

/** Names what the scan found broken, in the order of the checks, with samples where single rows are to blame. */
export async function violationsOf(
  checks: readonly NumberedCheck[],
  result: ScanResult,
  bad: BadRows | null,
): Promise<readonly Violation[]> {
  const violations: Violation[] = [];
  for (const { check, mark } of checks) {
    const found = result.found.get(mark) ?? { marked: 0, value: null, seen: null };
    const violation = await violationOf({ check, mark }, { found, rows: result.rows, bad });
    if (violation !== null) violations.push(violation);
  }
  return violations;
}

type Evidence = { readonly found: Found; readonly rows: number; readonly bad: BadRows | null };

async function violationOf({ check, mark }: NumberedCheck, evidence: Evidence): Promise<Violation | null> {
  switch (check.kind) {
    case 'structure':
      return structureViolation(check, mark, evidence);
    case 'rows':
      return rowViolation(check, mark, evidence);
    case 'value':
      return valueViolation(check, evidence);
    default:
      return check satisfies never;
  }
}

async function structureViolation(check: StructureCheck, mark: string, evidence: Evidence): Promise<Violation> {
  const { marked } = evidence.found;
  return {
    ...named(check, check.code),
    count: check.count,
    observed: marked === 0 ? check.observed : `${check.observed}; ${marked} of its values are not of that type`,
    samples: marked === 0 || evidence.bad === null ? [] : await samplesOf(evidence.bad, { check, mark }),
  };
}

async function rowViolation(check: RowCheck, mark: string, evidence: Evidence): Promise<Violation | null> {
  if (evidence.found.marked === 0 || evidence.bad === null) return null;
  return {
    ...named(check, check.code),
    count: evidence.found.marked,
    observed: await observedText(check, mark, { ...evidence, bad: evidence.bad }),
    samples: await samplesOf(evidence.bad, { check, mark }),
  };
}

/** No value at all breaks a range, unless there is no row either: then nothing was asked. */
function valueViolation(check: ValueCheck, { found, rows }: Evidence): Violation | null {
  const { value } = found;
  if (value === null) {
    return rows === 0 ? null : { ...named(check, check.below), count: 1, observed: 'no value', samples: [] };
  }
  const violation = { count: 1, observed: String(Number(value.toPrecision(6))), samples: [] };
  if (check.min !== null && value < check.min) return { ...named(check, check.below), ...violation };
  return check.max !== null && value > check.max ? { ...named(check, check.above), ...violation } : null;
}

async function observedText(
  check: RowCheck,
  mark: string,
  evidence: Evidence & { readonly bad: BadRows },
): Promise<string> {
  const { marked, seen } = evidence.found;
  switch (check.observe) {
    case 'share':
      return `missing in ${marked} of ${evidence.rows} rows`;
    case 'smallest':
    case 'largest':
      return `${check.observe} value ${seen}`;
    case 'values':
      return topValues(evidence.bad, check, mark);
    default:
      return check.observe satisfies never;
  }
}

function named(
  check: RowCheck | StructureCheck | ValueCheck,
  code: Violation['code'],
): Pick<Violation, 'code' | 'severity' | 'column' | 'expected'> {
  return { code, severity: check.severity, column: check.column, expected: check.expected };
}
