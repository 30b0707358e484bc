import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../domain/errors.ts';
import type { Expectation } from '../../domain/expectation.ts';
import type { CheckedRow, RowChecks } from '../../domain/row-checks.ts';
import type { ColumnType } from '../../domain/snapshot.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { identifier, literal, type Tables } from '../../stores/tables.ts';
import type { RowCheck } from './check.ts';
import { rowsSql } from './scan.ts';
import { hasColumns, unionType } from './structure-checks.ts';
import { numberSql } from './typed-sql.ts';

type RowFunction = Extract<Expectation, { readonly kind: 'rowFunction' }>;

/** Places written in one go. */
const linesAtOnce = 10_000;

/**
 * Runs the functions of checks.ts: a statement of its own each, whose columns stream through this process in chunks. Places of bad rows go
 * through a scratch file, so that memory stays bounded however many there are; DuckDB ends a stream when the same connection is asked for
 * anything else.
 *
 * @returns a check for each function that found any.
 * @throws CodedError CHECKS_INVALID when a function is missing, throws, or says neither true nor false: with the row.
 */
export async function runRowFunctions(
  tables: Tables,
  about: { readonly layout: Layout; readonly rowChecks: RowChecks | null; readonly folder: string },
  expectations: readonly Expectation[],
): Promise<readonly RowCheck[]> {
  const functions = expectations.filter((expectation) => expectation.kind === 'rowFunction');
  const checks: RowCheck[] = [];
  for (const [index, expectation] of functions.entries()) {
    const check = functionNamed(expectation, about.rowChecks);
    if (!hasColumns(about.layout, expectation.columns)) continue;
    const places = join(about.folder, `row-function-${index}.csv`);
    if (!(await writeBadPlaces(tables, { layout: about.layout, expectation, check }, places))) continue;
    const table = identifier(`perdura function ${index}`);
    await tables.all(
      `CREATE OR REPLACE TEMP TABLE ${table} AS SELECT * FROM read_csv(${literal(places)}, header = false,
         columns = {'file_index': 'UBIGINT', 'file_row_number': 'BIGINT'})`,
    );
    checks.push(checkOf(expectation, table));
  }
  return checks;
}

type Work = {
  readonly layout: Layout;
  readonly expectation: RowFunction;
  readonly check: (row: CheckedRow) => unknown;
};

/** Whether there is any. */
async function writeBadPlaces(tables: Tables, work: Work, path: string): Promise<boolean> {
  const file = await open(path, 'w');
  try {
    return (await streamBadPlaces(tables, work, file)) > 0;
  } finally {
    await file.close();
  }
}

async function streamBadPlaces(tables: Tables, work: Work, file: FileHandle): Promise<number> {
  const { layout, expectation } = work;
  const values = expectation.columns.map((name) => valueSql(name, unionType(layout, name) ?? 'other'));
  const sql = `SELECT CAST(file_index AS DOUBLE), CAST(file_row_number AS DOUBLE), ${values.join(', ')} FROM ${rowsSql(layout)}`;
  let lines: string[] = [];
  let found = 0;
  for await (const [files = [], places = [], ...columns] of tables.columnChunks(sql)) {
    for (let place = 0; place < files.length; place++) {
      const row: Record<string, unknown> = {};
      for (const [index, name] of expectation.columns.entries()) row[name] = columns[index]?.[place];
      const at = { file: Number(files[place]), row: Number(places[place]) };
      if (judge(work, row as CheckedRow, at)) continue;
      lines.push(`${at.file},${at.row}\n`);
      found++;
    }
    if (lines.length >= linesAtOnce) lines = await written(file, lines);
  }
  await written(file, lines);
  return found;
}

function judge(
  { layout, expectation, check }: Work,
  row: CheckedRow,
  at: { readonly file: number; readonly row: number },
): boolean {
  const place = () => `row ${at.row + 1} of ${layout.files[at.file]?.key ?? 'the data'}, ${JSON.stringify(row)}`;
  let answer: unknown;
  try {
    answer = check(row);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw invalid(expectation, `threw on ${place()}: ${text}`, { row, cause });
  }
  if (typeof answer === 'boolean') return answer;
  throw invalid(expectation, `said ${String(answer)}, neither true nor false, on ${place()}`, { row, cause: null });
}

async function written(file: FileHandle, lines: readonly string[]): Promise<string[]> {
  await file.write(lines.join(''));
  return [];
}

function checkOf(expectation: RowFunction, table: string): RowCheck {
  return {
    kind: 'rows',
    code: 'ROW_FUNCTION_NOT_MET',
    column: null,
    label: expectation.name,
    severity: expectation.severity ?? 'block',
    expected: `${expectation.name} of ${expectation.columns.join(', ')}`,
    bad: `(file_index, file_row_number) IN (SELECT (file_index, file_row_number) FROM ${table})`,
    value: 'NULL',
    observe: 'rows',
    probe: null,
  };
}

/** As a feature function gets its record, so that checks and features can share code. */
function valueSql(name: string, type: ColumnType): string {
  switch (type) {
    case 'integer':
    case 'number':
      return numberSql(name, type);
    case 'timestamp':
      return `CAST(epoch_ms(CAST(${identifier(name)} AS TIMESTAMPTZ)) AS DOUBLE)`;
    case 'boolean':
      return identifier(name);
    case 'string':
    case 'other':
      return `CAST(${identifier(name)} AS VARCHAR)`;
    default:
      return type satisfies never;
  }
}

function functionNamed(expectation: RowFunction, rowChecks: RowChecks | null): (row: CheckedRow) => unknown {
  const found = rowChecks !== null && Object.hasOwn(rowChecks, expectation.name) ? rowChecks[expectation.name] : null;
  if (typeof found === 'function') return found;
  const known = rowChecks === null ? 'there is no checks.ts' : `it exports ${Object.keys(rowChecks).join(', ')}`;
  throw invalid(expectation, `is not exported by checks.ts: ${known}`, { row: null, cause: null });
}

function invalid(
  { name }: RowFunction,
  what: string,
  about: { readonly row: CheckedRow | null; readonly cause: unknown },
): CodedError {
  return new CodedError('CHECKS_INVALID', `Row function '${name}' ${what}. Correct the pipeline's checks.ts.`, {
    details: { function: name, row: about.row },
    cause: about.cause,
  });
}
