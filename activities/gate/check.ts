import type { Severity, ViolationCode } from '../../domain/expectation.ts';

/** What all checks share; `column` is null for the table as a whole, `label` names column or rule among the codes of a bad row. */
type Checked = {
  readonly column: string | null;
  readonly label: string;
  readonly severity: Severity;
  readonly expected: string;
};

/** A SQL aggregate that the one scan takes, with inclusive bounds; beyond them something is wrong. */
export type Probe = { readonly sql: string; readonly min: number | null; readonly max: number | null };

/** Which words tell what the bad rows of a check hold. */
export type Observation = 'missing' | 'smallest' | 'largest' | 'values' | 'rows';

/**
 * Marks rows: `bad` is a SQL condition (null counts as false), `value` the SQL of what it looks at. The scan asks `probe` alone, which is
 * cheaper than marking: a column's minimum says whether any value is too small. Null where it is known that rows are bad.
 */
export type RowCheck = Checked & {
  readonly kind: 'rows';
  readonly code: ViolationCode;
  readonly bad: string;
  readonly value: string;
  readonly observe: Observation;
  readonly probe: Probe | null;
};

/** Known to be broken from the files' headers; where `bad` is given, the rows it marks are shown as well. */
export type StructureCheck = Checked & {
  readonly kind: 'structure';
  readonly code: ViolationCode;
  readonly count: number;
  readonly observed: string;
  readonly bad: string | null;
};

/** Holds one number of the whole snapshot against inclusive bounds; `show` says how a person reads it. */
export type ValueCheck = Checked & {
  readonly kind: 'value';
  readonly probe: Probe;
  readonly show: 'number' | 'time';
  readonly below: ViolationCode;
  readonly above: ViolationCode;
};

/** An expectation, or the half of one, made ready for the scan. */
export type Check = RowCheck | StructureCheck | ValueCheck;

/** A check that can mark rows. */
export type MarkingCheck = RowCheck | StructureCheck;

/** A check with the SQL column that carries its mark through the scan. */
export type NumberedCheck<Kind extends Check = Check> = { readonly check: Kind; readonly mark: string };

/** Gives each check its mark; a name with a space is one that data hardly has. */
export function numbered(checks: readonly Check[]): readonly NumberedCheck[] {
  return checks.map((check, index) => ({ check, mark: `perdura check ${index}` }));
}

/** What the scan asks of a check; null when it asks nothing. */
export function probeOf(check: Check): Probe | null {
  if (check.kind !== 'structure') return check.probe;
  return check.bad === null ? null : { sql: `count_if(${check.bad})`, min: null, max: 0 };
}

/** Whether a probe's value lies beyond its bounds; null, no value at all, does not. */
export function beyond({ min, max }: Probe, value: number | null): 'below' | 'above' | null {
  if (value === null) return null;
  if (min !== null && value < min) return 'below';
  return max !== null && value > max ? 'above' : null;
}

/** Whether a check may block by marking single rows: then the clean rest could go on. */
export function blocksRows(check: Check): boolean {
  return check.kind === 'rows' && check.severity === 'block';
}
