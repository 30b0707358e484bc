import type { SampleRow } from '../../domain/validation-report.ts';
import type { ColumnType } from '../../domain/snapshot.ts';
import { identifier, literal, type TableRow, type Tables } from '../../stores/tables.ts';
import type { NumberedCheck, RowCheck } from './check.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { markedSql } from './scan.ts';

/** The rows that at least one check marked, kept apart in a temporary table so that the data is not scanned once a violation. */
export type BadRows = { readonly tables: Tables; readonly layout: Layout; readonly checks: readonly NumberedCheck[] };

const mostSamples = 60;
const samplesPerViolation = 5;
const columnsPerSample = 20;
const longestText = 200;

/** Collects the marked rows by a second scan, which keeps the files' order; `checks` are those that marked any. */
export async function collectBadRows(
  tables: Tables,
  layout: Layout,
  checks: readonly NumberedCheck[],
): Promise<BadRows> {
  const any = checks.map(({ mark }) => identifier(mark)).join(' OR ');
  await tables.all(`CREATE TEMP TABLE bad AS SELECT * FROM (${markedSql(layout, checks)}) WHERE ${any}`);
  return { tables, layout, checks };
}

/**
 * The first rows in file order that a check marked: the column in question first, others up to twenty, long text cut. Five, or fewer
 * where checks share the sixty of a report, none from the sixty-first check on: a report must fit into what Temporal carries, 2 MB.
 */
export async function samplesOf(bad: BadRows, { check, mark }: NumberedCheck): Promise<readonly SampleRow[]> {
  const own = bad.layout.columns.filter((column) => column.name === check.column);
  const others = bad.layout.columns.filter((column) => column.name !== check.column);
  const shown = [...own, ...others].slice(0, columnsPerSample);
  const columns = shown.map(({ name, type }) => `${shownSql(identifier(name), type)} AS ${identifier(name)}`);
  const limit = samplesFor(bad, mark);
  if (limit === 0) return [];
  const rows = await bad.tables.all(
    `SELECT file_index, file_row_number, ${columns.join(', ')} FROM bad WHERE ${identifier(mark)}
     ORDER BY file_index, file_row_number LIMIT ${limit}`,
  );
  return rows.map((row) => ({
    key: bad.layout.files[Number(row['file_index'])]?.key ?? '',
    row: Number(row['file_row_number']) + 1,
    values: Object.fromEntries(shown.map(({ name }) => [name, shownValue(row[name])])),
  }));
}

/** The most frequent values that a check marked, long text cut: `'ZZZ' (31), 'QQQ' (2)`. */
export async function topValues(bad: BadRows, check: RowCheck, mark: string): Promise<string> {
  const rows = await bad.tables.all(
    `SELECT ${check.value} AS value, count(*) AS n FROM bad WHERE ${identifier(mark)}
     GROUP BY 1 ORDER BY n DESC, value LIMIT 5`,
  );
  return cut(rows.map((row) => `'${String(shownValue(row['value']))}' (${Number(row['n'])})`).join(', '));
}

/** Writes the bad rows as Parquet in file order: `_key`, `_row` from 1, `_codes` as `CODE:column`, then the data's columns. */
export async function writeBadRows(bad: BadRows, path: string): Promise<number> {
  const keys = bad.layout.files.map((file) => literal(file.key)).join(', ');
  const columns = bad.layout.columns.map((column) => identifier(column.name)).join(', ');
  await bad.tables.all(
    `COPY (SELECT list_extract([${keys}], CAST(file_index AS BIGINT) + 1) AS _key, file_row_number + 1 AS _row, ${codesSql(bad)} AS _codes, ${columns}
     FROM bad) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  const [row = {} as TableRow] = await bad.tables.all('SELECT count(*) AS n FROM bad');
  return Number(row['n']);
}

function samplesFor(bad: BadRows, mark: string): number {
  if (bad.checks.findIndex((check) => check.mark === mark) >= mostSamples) return 0;
  return Math.min(samplesPerViolation, Math.max(1, Math.floor(mostSamples / bad.checks.length)));
}

function codesSql(bad: BadRows): string {
  const marks = new Map<string, string[]>();
  for (const { check, mark } of bad.checks) {
    if (check.kind === 'value') continue;
    const code = `${check.code}:${check.column}`;
    marks.set(code, [...(marks.get(code) ?? []), identifier(mark)]);
  }
  const codes = [...marks].map(([code, columns]) => `CASE WHEN ${columns.join(' OR ')} THEN ${literal(code)} END`);
  return `list_filter([${codes.join(', ')}], lambda code: code IS NOT NULL)`;
}

function shownSql(column: string, type: ColumnType): string {
  if (type === 'number') return `CAST(${column} AS DOUBLE)`;
  return type === 'other' || type === 'string' ? `CAST(${column} AS VARCHAR)` : column;
}

/** A value that survives JSON: NaN and infinities as text; nested values are text already. */
function shownValue(value: unknown): string | number | boolean | null {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return typeof value === 'boolean' ? value : null;
}

function cut(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}
