import type { Expectation } from '../../domain/expectation.ts';
import type { SampleRow, Violation } from '../../domain/validation-report.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';
import { identifier, type Tables } from '../../stores/tables.ts';
import { sampleColumns, sampleOf } from './sample-rows.ts';
import { rowsSql, type ScanResult } from './scan.ts';
import { mayRepeat } from './unique-scan.ts';

type Unique = Extract<Expectation, { readonly kind: 'unique' }>;

const shownRows = 5;
/** A plain name could be that of a column of the data. */
const alike = identifier('perdura alike');

/**
 * Names rows with the same values, exactly, by a grouping that DuckDB spills when it outgrows its memory; only where the one scan found that
 * there may be some. `count` is how many rows are too many: those beyond the first of each kind.
 */
export async function duplicateRows(
  tables: Tables,
  about: { readonly layout: Layout; readonly result: ScanResult },
  expectation: Unique,
): Promise<Violation | null> {
  if (!mayRepeat(about.result.row, expectation)) return null;
  const { layout } = about;
  const [row] = await tables.all(
    `SELECT coalesce(sum(${alike} - 1), 0)::BIGINT AS surplus FROM (${repeatedSql(layout, expectation)})`,
  );
  const count = Number(row?.['surplus']);
  if (count === 0) return null;
  const [only] = expectation.columns;
  return {
    code: 'DUPLICATES',
    severity: expectation.severity ?? 'block',
    column: expectation.columns.length === 1 ? (only ?? null) : null,
    count,
    expected: `no two rows with the same ${expectation.columns.join(', ')}`,
    observed: `${count} of ${about.result.rows} rows ${count === 1 ? 'repeats' : 'repeat'} one before`,
    samples: await samples(tables, layout, expectation),
  };
}

/** The first rows in file order that have a double. */
async function samples(tables: Tables, layout: Layout, expectation: Unique): Promise<readonly SampleRow[]> {
  const columns = sampleColumns(layout, expectation.columns);
  const keys = expectation.columns.map(identifier).join(', ');
  const rows = await tables.all(
    `SELECT ${columns.sql} FROM ${rowsSql(layout)} SEMI JOIN (${repeatedSql(layout, expectation)}) USING (${keys})
     ORDER BY file_index, file_row_number LIMIT ${shownRows}`,
  );
  return rows.map((row) => sampleOf(layout, columns, row));
}

function repeatedSql(layout: Layout, { columns }: Unique): string {
  const keys = columns.map(identifier);
  const present = keys.map((key) => `${key} IS NOT NULL`).join(' AND ');
  return `SELECT ${keys.join(', ')}, count(*) AS ${alike} FROM ${rowsSql(layout)} WHERE ${present}
    GROUP BY ${keys.join(', ')} HAVING count(*) > 1`;
}
