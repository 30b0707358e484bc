import { CodedError } from '../../domain/errors.ts';
import type { Expectation } from '../../domain/expectation.ts';
import type { Column } from '../../domain/snapshot.ts';
import type { Violation } from '../../domain/validation-report.ts';
import { describeFiles, type Layout } from '../../stores/snapshots/describe-files.ts';
import { relationSql } from '../../stores/slices.ts';
import { identifier, type Tables } from '../../stores/tables.ts';
import { sampleColumns, sampleOf } from './sample-rows.ts';
import { rowsSql } from './scan.ts';
import { shownText } from './shown.ts';
import { readsAsNumber } from './typed-sql.ts';

type References = Extract<Expectation, { readonly kind: 'references' }>;

/** Brings the local Parquet files of a named snapshot; null where there is none. */
export type ReferenceFiles = (name: string) => Promise<readonly string[] | null>;

const unknownTable = identifier('perdura unknown');
const shownValues = 5;

/**
 * Looks every value of a column up in another snapshot: a statement of its own, an anti join that keeps the other's different values in
 * memory or spills them. A value that is missing here is the business of `notNull`; values of different types are compared as text.
 *
 * @throws CodedError INPUT_INVALID when the other snapshot lacks the column.
 */
export async function unknownValues(
  tables: Tables,
  about: { readonly layout: Layout; readonly referenceFiles: ReferenceFiles },
  expectation: References,
): Promise<Violation | null> {
  const { layout } = about;
  const column = layout.columns.find(({ name }) => name === expectation.column);
  if (column === undefined) return null;
  const files = await about.referenceFiles(expectation.in);
  if (files === null) return nothingToLookUp(expectation);
  const known = await knownColumn(tables, expectation, files);
  await tables.all(`CREATE OR REPLACE TEMP TABLE ${unknownTable} AS ${unknownSql(layout, { column, known, files })}`);
  const violation = await foundUnknown(tables, layout, expectation);
  await tables.all(`DROP TABLE ${unknownTable}`);
  return violation;
}

async function knownColumn(tables: Tables, expectation: References, files: readonly string[]): Promise<Column> {
  const { columns } = await describeFiles(
    tables,
    files.map((path) => ({ key: expectation.in, path })),
  );
  const found = columns.find(({ name }) => name === expectation.to);
  if (found !== undefined) return found;
  throw new CodedError(
    'INPUT_INVALID',
    `${expectation.in} has no column '${expectation.to}' to look ${expectation.column} up in. It has: ${columns.map(({ name }) => name).join(', ')}. Correct the schema.`,
  );
}

function unknownSql(
  layout: Layout,
  { column, known, files }: { readonly column: Column; readonly known: Column; readonly files: readonly string[] },
): string {
  const alike = column.type === known.type || (readsAsNumber(column.type) && readsAsNumber(known.type));
  const asText = !alike || column.type === 'string' || known.type === 'string';
  const value = (name: string) => (asText ? `CAST(${identifier(name)} AS VARCHAR)` : identifier(name));
  return `SELECT file_index, file_row_number FROM ${rowsSql(layout)} AS own
    ANTI JOIN (SELECT DISTINCT ${value(known.name)} AS known FROM ${relationSql(files)}) AS other
    ON ${value(column.name)} = other.known WHERE ${identifier(column.name)} IS NOT NULL`;
}

async function foundUnknown(tables: Tables, layout: Layout, expectation: References): Promise<Violation | null> {
  const [row] = await tables.all(`SELECT count(*) AS n FROM ${unknownTable}`);
  const count = Number(row?.['n']);
  if (count === 0) return null;
  const columns = sampleColumns(layout, [expectation.column]);
  const unknown = `${rowsSql(layout)} SEMI JOIN ${unknownTable} USING (file_index, file_row_number)`;
  const samples = await tables.all(
    `SELECT ${columns.sql} FROM ${unknown} ORDER BY file_index, file_row_number LIMIT ${shownValues}`,
  );
  const top = await tables.all(
    `SELECT CAST(${identifier(expectation.column)} AS VARCHAR) AS value, count(*) AS n FROM ${unknown}
     GROUP BY 1 ORDER BY n DESC, value LIMIT ${shownValues}`,
  );
  return {
    ...named(expectation),
    code: 'UNKNOWN_REFERENCE',
    count,
    observed: top.map((each) => `${shownText(each['value'])} (${Number(each['n'])})`).join(', '),
    samples: samples.map((each) => sampleOf(layout, columns, each)),
  };
}

function nothingToLookUp(expectation: References): Violation {
  const observed = `there is no ${expectation.in}`;
  return { ...named(expectation), code: 'COMPARATOR_CONTROL_DATA_MISSING', count: 1, observed, samples: [] };
}

function named(expectation: References): Pick<Violation, 'severity' | 'column' | 'expected'> {
  return {
    severity: expectation.severity ?? 'block',
    column: expectation.column,
    expected: `${expectation.column} in ${expectation.to} of ${expectation.in}`,
  };
}
