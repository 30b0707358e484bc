import type { Expectation } from '../../domain/expectation.ts';
import type { Violation } from '../../domain/validation-report.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { identifier, type Tables } from '../../stores/tables.ts';
import { sampleColumns, sampleOf } from './sample-rows.ts';
import { rowsSql } from './scan.ts';
import { hasColumns, unionType } from './structure-checks.ts';
import { presentSql } from './typed-sql.ts';

type Monotonic = Extract<Expectation, { readonly kind: 'monotonic' }>;

const shownRows = 5;

/**
 * Holds a column's values against the ones before them, in file order, rows without a value left out: a statement of its own, because a
 * scan in parallel knows no order. Without `by` DuckDB streams it and keeps one value; with `by` it sorts, which spills.
 */
export async function monotonicViolation(
  tables: Tables,
  layout: Layout,
  expectation: Monotonic,
): Promise<Violation | null> {
  const { column, by } = expectation;
  if (!hasColumns(layout, by === undefined ? [column] : [column, by])) return null;
  const steps = stepsSql(layout, expectation);
  const [row] = await tables.all(`SELECT count(*) AS n FROM (${steps})`);
  const count = Number(row?.['n']);
  if (count === 0) return null;
  const columns = sampleColumns(layout, by === undefined ? [column] : [column, by]);
  const first = await tables.all(
    `SELECT ${columns.sql} FROM (${steps}) ORDER BY file_index, file_row_number LIMIT ${shownRows}`,
  );
  const within = by === undefined ? '' : ` within each ${by}`;
  return {
    code: 'NOT_MONOTONIC',
    severity: expectation.severity ?? 'block',
    column,
    count,
    expected: `${column} ${expectation.strict === true ? 'strictly ' : ''}${expectation.direction}${within}`,
    observed: `${count} ${count === 1 ? 'row goes' : 'rows go'} the other way`,
    samples: first.map((each) => sampleOf(layout, columns, each)),
  };
}

/** The rows whose value breaks the order. */
function stepsSql(layout: Layout, { column, by, direction, strict }: Monotonic): string {
  const value = presentSql(column, unionType(layout, column) ?? 'other');
  const order = by === undefined ? '' : `PARTITION BY ${identifier(by)} ORDER BY file_index, file_row_number`;
  const wrong = `${direction === 'increasing' ? '<' : '>'}${strict === true ? '=' : ''}`;
  return `SELECT * FROM (
      SELECT *, ${value} AS "perdura value", lag(${value}) OVER (${order}) AS "perdura before"
      FROM ${rowsSql(layout)} WHERE ${value} IS NOT NULL
    ) WHERE "perdura value" ${wrong} "perdura before"`;
}
