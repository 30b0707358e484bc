import type { SampleRow } from '../../domain/validation-report.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { identifier, literal, type TableRow, type Tables } from '../../stores/tables.ts';
import { blocksRows, type MarkingCheck, type NumberedCheck, type RowCheck } from './check.ts';
import { sampleColumns, sampleOf } from './sample-rows.ts';
import { rowsSql } from './scan.ts';
import { cut, shownValue } from './shown.ts';

/** A check that marked rows; `rows` is how many. */
export type MarkedRows = NumberedCheck<MarkingCheck> & { readonly rows: number };

/**
 * The rows that at least one check marked, kept apart in a temporary table so that the data is not scanned once a violation. `blocked` are
 * those that a blocking row expectation marked.
 */
export type BadRows = {
  readonly tables: Tables;
  readonly layout: Layout;
  readonly checks: readonly MarkedRows[];
  readonly rows: number;
  readonly blocked: number;
};

const badTable = identifier('perdura bad rows');
const mostSamples = 60;
const samplesPerViolation = 5;

/** Collects the marked rows by a second scan and counts them; `checks` are those that the first one found to mark any. */
export async function collectBadRows(
  tables: Tables,
  layout: Layout,
  checks: readonly NumberedCheck<MarkingCheck>[],
): Promise<BadRows> {
  const marks = checks.map(({ check, mark }) => `coalesce(${check.bad ?? 'false'}, false) AS ${identifier(mark)}`);
  const any = checks.map(({ mark }) => identifier(mark)).join(' OR ');
  await tables.all(
    `CREATE OR REPLACE TEMP TABLE ${badTable} AS
     SELECT * FROM (SELECT *, ${marks.join(', ')} FROM ${rowsSql(layout)}) WHERE ${any}`,
  );
  const counts = checks.map(({ mark }, index) => `count_if(${identifier(mark)}) AS n${index}`);
  const [row = {} as TableRow] = await tables.all(
    `SELECT count(*) AS "rows", count_if(${blockedSql(checks)}) AS blocked, ${counts.join(', ')} FROM ${badTable}`,
  );
  return {
    tables,
    layout,
    checks: checks.map((each, index) => ({ ...each, rows: Number(row[`n${index}`]) })),
    rows: Number(row['rows']),
    blocked: Number(row['blocked']),
  };
}

/**
 * The first rows in file order that a check marked: the column in question first, others up to twenty, long text cut. Five, or fewer
 * where checks share the sixty of a report, none from the sixty-first check on: a report must fit into what Temporal carries, 2 MB.
 */
export async function samplesOf(bad: BadRows, { check, mark }: NumberedCheck): Promise<readonly SampleRow[]> {
  const columns = sampleColumns(bad.layout, check.column === null ? [] : [check.column]);
  const limit = samplesFor(bad, mark);
  if (limit === 0) return [];
  const rows = await bad.tables.all(
    `SELECT ${columns.sql} FROM ${badTable} WHERE ${identifier(mark)}
     ORDER BY file_index, file_row_number LIMIT ${limit}`,
  );
  return rows.map((row) => sampleOf(bad.layout, columns, row));
}

/** The most frequent values that a check marked, long text cut: `'ZZZ' (31), 'QQQ' (2)`. */
export async function topValues(bad: BadRows, check: RowCheck, mark: string): Promise<string> {
  const rows = await bad.tables.all(
    `SELECT ${check.value} AS value, count(*) AS n FROM ${badTable} WHERE ${identifier(mark)}
     GROUP BY 1 ORDER BY n DESC, value LIMIT 5`,
  );
  return cut(rows.map((row) => `'${String(shownValue(row['value']))}' (${Number(row['n'])})`).join(', '));
}

/** Writes the bad rows as Parquet in file order: `_key`, `_row` from 1, `_codes` as `CODE:column`, then the data's columns. */
export async function writeBadRows(bad: BadRows, path: string): Promise<void> {
  const keys = bad.layout.files.map((file) => literal(file.key)).join(', ');
  const columns = bad.layout.columns.map((column) => identifier(column.name)).join(', ');
  await bad.tables.all(
    `COPY (SELECT list_extract([${keys}], CAST(file_index AS BIGINT) + 1) AS _key, file_row_number + 1 AS _row, ${codesSql(bad)} AS _codes, ${columns}
     FROM ${badTable} ORDER BY file_index, file_row_number) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
}

/** How many rows of each file a blocking row expectation marked, by the file's place; files without any are left out. */
export async function blockedPerFile(bad: BadRows): Promise<ReadonlyMap<number, number>> {
  const rows = await bad.tables.all(
    `SELECT file_index, count(*) AS n FROM ${badTable} WHERE ${blockedSql(bad.checks)} GROUP BY 1`,
  );
  return new Map(rows.map((row) => [Number(row['file_index']), Number(row['n'])]));
}

/** The places of one file's blocked rows, as a SQL query. */
export function blockedRowsSql(bad: BadRows, file: number): string {
  return `SELECT file_row_number FROM ${badTable} WHERE file_index = ${file} AND (${blockedSql(bad.checks)})`;
}

function blockedSql(checks: readonly NumberedCheck[]): string {
  const blocking = checks.filter(({ check }) => blocksRows(check)).map(({ mark }) => identifier(mark));
  return blocking.length === 0 ? 'false' : blocking.join(' OR ');
}

function samplesFor(bad: BadRows, mark: string): number {
  if (bad.checks.findIndex((check) => check.mark === mark) >= mostSamples) return 0;
  return Math.min(samplesPerViolation, Math.max(1, Math.floor(mostSamples / bad.checks.length)));
}

function codesSql(bad: BadRows): string {
  const marks = new Map<string, string[]>();
  for (const { check, mark } of bad.checks) {
    const code = `${check.code}:${check.label}`;
    marks.set(code, [...(marks.get(code) ?? []), identifier(mark)]);
  }
  const codes = [...marks].map(([code, columns]) => `CASE WHEN ${columns.join(' OR ')} THEN ${literal(code)} END`);
  return `list_filter([${codes.join(', ')}], lambda code: code IS NOT NULL)`;
}
