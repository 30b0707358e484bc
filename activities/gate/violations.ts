import type { Violation } from '../../domain/validation-report.ts';
import { type BadRows, type MarkedRows, samplesOf, topValues } from './bad-rows.ts';
import {
  beyond,
  type Check,
  type NumberedCheck,
  type RowCheck,
  type StructureCheck,
  type ValueCheck,
} from './check.ts';
import type { ScanResult } from './scan.ts';
import { shownNumber } from './shown.ts';

/** What the scans found: `bad` is null where no check marked a row. */
export type Found = { readonly result: ScanResult; readonly bad: BadRows | null };

/** Names what the scan found broken, in the order of the checks, with samples where single rows are to blame. */
export async function violationsOf(checks: readonly NumberedCheck[], found: Found): Promise<readonly Violation[]> {
  const violations: Violation[] = [];
  for (const { check, mark } of checks) {
    const violation = await violationOf({ check, mark }, found);
    if (violation !== null) violations.push(violation);
  }
  return violations;
}

async function violationOf({ check, mark }: NumberedCheck, found: Found): Promise<Violation | null> {
  const marked = found.bad?.checks.find((each) => each.mark === mark) ?? null;
  switch (check.kind) {
    case 'structure':
      return structureViolation(check, marked, found);
    case 'rows':
      return marked === null ? null : rowViolation(check, marked, found);
    case 'value':
      return valueViolation(check, mark, found.result);
    default:
      return check satisfies never;
  }
}

async function structureViolation(
  check: StructureCheck,
  marked: MarkedRows | null,
  { bad }: Found,
): Promise<Violation> {
  const several = marked === null ? '' : `; ${marked.rows} of its values are not of that type`;
  return {
    ...named(check, check.code),
    count: check.count,
    observed: `${check.observed}${several}`,
    samples: marked === null || bad === null ? [] : await samplesOf(bad, marked),
  };
}

async function rowViolation(check: RowCheck, marked: MarkedRows, found: Found): Promise<Violation | null> {
  if (found.bad === null || marked.rows === 0) return null;
  return {
    ...named(check, check.code),
    count: marked.rows,
    observed: await observedText(check, marked, { ...found, bad: found.bad }),
    samples: await samplesOf(found.bad, marked),
  };
}

/** No value at all breaks a range, unless there is no row either: then nothing was asked. */
function valueViolation(check: ValueCheck, mark: string, result: ScanResult): Violation | null {
  const value = result.values.get(mark) ?? null;
  if (value === null) {
    return result.rows === 0 ? null : { ...named(check, check.below), count: 1, observed: 'no value', samples: [] };
  }
  // Infinities of both signs add up to NaN, which no comparison finds beyond a bound.
  const side = Number.isNaN(value) ? 'above' : beyond(check.probe, value);
  if (side === null) return null;
  const observed = check.show === 'time' ? new Date(value).toISOString() : shownNumber(value);
  return { ...named(check, side === 'below' ? check.below : check.above), count: 1, observed, samples: [] };
}

async function observedText(
  check: RowCheck,
  { mark, rows }: MarkedRows,
  found: Found & { readonly bad: BadRows },
): Promise<string> {
  switch (check.observe) {
    case 'missing':
      return `missing in ${rows} of ${found.result.rows} rows`;
    case 'rows':
      return `not so in ${rows} of ${found.result.rows} rows`;
    case 'smallest':
    case 'largest':
      return `${check.observe} value ${found.result.values.get(mark)}`;
    case 'values':
      return topValues(found.bad, check, mark);
    default:
      return check.observe satisfies never;
  }
}

function named(check: Check, code: Violation['code']): Pick<Violation, 'code' | 'severity' | 'column' | 'expected'> {
  return { code, severity: check.severity, column: check.column, expected: check.expected };
}
