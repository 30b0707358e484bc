import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { relationSql } from '../../stores/slices.ts';
import { identifier, type TableRow, type Tables } from '../../stores/tables.ts';
import { beyond, type Check, type MarkingCheck, type NumberedCheck, probeOf } from './check.ts';

/** What the one scan found: the rows, the value of each check's probe by its mark, and the row as it came, for who added to it. */
export type ScanResult = {
  readonly rows: number;
  readonly values: ReadonlyMap<string, number | null>;
  readonly row: TableRow;
};

/** An aggregate that rides in the same scan, under a name of its own. */
export type ScanAggregate = { readonly name: string; readonly sql: string };

/**
 * Answers every check by one statement that reads every needed column once, and whatever else is to be counted in the same pass. Rows know
 * their file and place in it as `file_index` and `file_row_number`.
 */
export async function scan(
  tables: Tables,
  layout: Layout,
  wanted: { readonly checks: readonly NumberedCheck[]; readonly more: readonly ScanAggregate[] },
): Promise<ScanResult> {
  const probes = wanted.checks.flatMap(({ check, mark }) => {
    const probe = probeOf(check);
    return probe === null ? [] : [{ name: mark, sql: probe.sql }];
  });
  const aggregates = [...probes, ...wanted.more].map(({ name, sql }) => `${sql} AS ${identifier(name)}`);
  const [row = {}] = await tables.all(
    `SELECT ${['count(*) AS "rows"', ...aggregates].join(', ')} FROM ${rowsSql(layout)}`,
  );
  const values = probes.map(({ name }) => [name, numberOrNull(row[name])] as const);
  return { rows: Number(row['rows']), values: new Map(values), row };
}

/** The checks that marked rows, by what the scan found. */
export function markingChecks(
  checks: readonly NumberedCheck[],
  { values }: ScanResult,
): readonly NumberedCheck<MarkingCheck>[] {
  return checks.filter((numbered): numbered is NumberedCheck<MarkingCheck> => {
    if (!marksRows(numbered.check)) return false;
    const probe = probeOf(numbered.check);
    return probe === null || beyond(probe, values.get(numbered.mark) ?? null) !== null;
  });
}

/** All files as one relation whose rows know their file and place. */
export function rowsSql(layout: Layout): string {
  return `(SELECT *, file_index, file_row_number FROM ${relationSql(layout.files.map((file) => file.path))})`;
}

/** A number of a result row; null where there was nothing to take it of. */
export function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function marksRows(check: Check): check is MarkingCheck {
  return check.kind === 'rows' || (check.kind === 'structure' && check.bad !== null);
}
