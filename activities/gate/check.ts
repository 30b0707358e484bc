import type { Severity, ViolationCode } from '../../domain/expectation.ts';

/** What all checks share; `column` is null for the table as a whole. */
type Checked = { readonly column: string | null; readonly severity: Severity; readonly expected: string };

/** Which words tell what the bad rows of a check hold. */
export type Observation = 'share' | 'smallest' | 'largest' | 'values';

/** Marks rows: `bad` is a SQL condition (null counts as false), `value` the SQL of what it looks at. */
export type RowCheck = Checked & {
  readonly kind: 'rows';
  readonly code: ViolationCode;
  readonly bad: string;
  readonly value: string;
  readonly observe: Observation;
};

/** Known to be broken from the files' headers; where `bad` is given, the rows it marks are shown as well. */
export type StructureCheck = Checked & {
  readonly kind: 'structure';
  readonly code: ViolationCode;
  readonly count: number;
  readonly observed: string;
  readonly bad: string | null;
};

/** Holds one number of the whole snapshot, by its SQL aggregate, against inclusive bounds. */
export type ValueCheck = Checked & {
  readonly kind: 'value';
  readonly sql: string;
  readonly min: number | null;
  readonly max: number | null;
  readonly below: ViolationCode;
  readonly above: ViolationCode;
};

/** An expectation, or the half of one, made ready for the scan. */
export type Check = RowCheck | StructureCheck | ValueCheck;

/** A check with the SQL column that carries its mark through the scan. */
export type NumberedCheck = { readonly check: Check; readonly mark: string };

/** Gives each check its mark; a name with a space is one that data hardly has. */
export function numbered(checks: readonly Check[]): readonly NumberedCheck[] {
  return checks.map((check, index) => ({ check, mark: `perdura check ${index}` }));
}

/** The SQL condition by which a check marks rows, null when it marks none. */
export function rowCondition(check: Check): string | null {
  switch (check.kind) {
    case 'rows':
    case 'structure':
      return check.bad;
    case 'value':
      return null;
    default:
      return check satisfies never;
  }
}
