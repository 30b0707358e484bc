import type { EncodedRows, FeatureModule, FeatureNames } from '../domain/features.ts';
import type { Target } from '../domain/target.ts';
import { relationSql } from '../stores/slices.ts';
import { identifier, type Tables } from '../stores/tables.ts';
import { namesOf } from './apply-features.ts';
import { dataError } from './data-error.ts';
import { chunkEncoder, type Columns, featureRows, usableRows } from './encode-chunk.ts';
import { labelOf, labelSql } from './label-column.ts';
import { recordColumns, wholeRecordSql } from './record-columns.ts';

/**
 * Which rows to read, and what makes features and labels of them. `where` is a SQL condition, `true` for all rows. Where the features declare
 * aggregates, it is a query that `joinPast` returned.
 */
export type LabelledRowsQuery = {
  readonly parquetFiles: readonly string[];
  readonly where: string;
  readonly target: Target;
  readonly features: FeatureModule;
};

/** `by`: columns of the data that come with each row as text. `classes`: those of a multiclass target, in the order of their places. */
export type LabelledRowsOptions = { readonly by?: readonly string[]; readonly classes?: readonly string[] };

/**
 * Up to 2048 rows, in file order. `rowNumbers` counts from 0 over all rows that `where` lets through, skipped ones too, so that
 * a row has the same number whichever model reads it. Labels are 0 or 1, the number, or the place of the class, -1 for a class that is
 * not among the given ones. `by` has one list for each asked column, a value a row.
 */
export type LabelledRows = {
  readonly rows: EncodedRows;
  readonly labels: Float64Array;
  readonly by: readonly (readonly (string | null)[])[];
  readonly rowNumbers: Uint32Array;
  readonly skipped: number;
  /** What `by` is, of the skipped rows that have a label: only a field of the record is missing there. */
  readonly refused: readonly (readonly (string | null)[])[];
};

type Source = Pick<LabelledRowsQuery, 'parquetFiles' | 'where'>;

/** How many rows `where` lets through. Throws as `readLabelledRows` does. */
export async function countRows(tables: Tables, query: Source): Promise<number> {
  try {
    const [row] = await tables.all(`SELECT count(*) AS n FROM ${source(query)}`);
    return Number(row?.['n'] ?? 0);
  } catch (error) {
    throw dataError(error);
  }
}

/** The classes of a multiclass target on the rows that are not skipped, sorted by their UTF-16 units. Throws as `readLabelledRows` does. */
export async function readClasses(tables: Tables, query: LabelledRowsQuery): Promise<readonly string[]> {
  const label = labelSql(query.target);
  try {
    const rows = await tables.all(
      `SELECT DISTINCT ${label} AS "perdura class" FROM ${source(query)} AND ${label} IS NOT NULL AND ${wholeRecordSql(query.features.record)}`,
    );
    return rows.map((row) => String(row['perdura class'])).toSorted();
  } catch (error) {
    throw dataError(error);
  }
}

/**
 * The features that the first usable row has; null when no row is usable.
 *
 * @throws CodedError as `readLabelledRows` does.
 */
export async function readFeatureNames(tables: Tables, query: LabelledRowsQuery): Promise<FeatureNames | null> {
  for await (const [labels = [], ...columns] of readColumns(tables, query, [])) {
    const [first] = featureRows(query.features, columns, usableRows(query.features, labels, columns).slice(0, 1));
    if (first !== undefined) return namesOf(first);
  }
  return null;
}

/**
 * Reads Parquet rows as features and labels. A row whose label or a field of whose record is null is skipped and counted: the
 * model server refuses such a record too. A field with a question mark may be null.
 *
 * @throws CodedError DATA_UNREADABLE (damaged file), INPUT_INVALID (column, target or condition), FEATURES_INVALID.
 */
export async function* readLabelledRows(
  tables: Tables,
  query: LabelledRowsQuery,
  names: FeatureNames,
  options: LabelledRowsOptions = {},
): AsyncGenerator<LabelledRows> {
  const by = options.by ?? [];
  const toLabel = labelOf(query.target, options.classes ?? []);
  const encode = chunkEncoder(query.features, names);
  let read = 0;
  for await (const [values = [], ...columns] of readColumns(tables, query, by)) {
    const places = usableRows(query.features, values, columns);
    const texts = columns.slice(columns.length - by.length);
    const first = read;
    const refused = by.length === 0 ? [] : refusedRows(values, places);
    yield {
      rows: encode(columns, places),
      labels: Float64Array.from(places, (row) => toLabel(values[row])),
      by: texts.map((column) => places.map((row) => textOf(column[row]))),
      rowNumbers: Uint32Array.from(places, (row) => first + row),
      skipped: values.length - places.length,
      refused: texts.map((column) => refused.map((row) => textOf(column[row]))),
    };
    read += values.length;
  }
}

/** The label, the record's fields, the aggregates, then `by`. */
async function* readColumns(tables: Tables, query: LabelledRowsQuery, by: readonly string[]): AsyncGenerator<Columns> {
  const texts = by.map((name) => `CAST(${identifier(name)} AS VARCHAR)`);
  const columns = [labelSql(query.target), ...recordColumns(query.features), ...texts];
  try {
    yield* tables.columnChunks(`SELECT ${columns.join(', ')} FROM ${source(query)}`);
  } catch (error) {
    throw dataError(error);
  }
}

/** Rows with a label that are not among the usable ones. */
function refusedRows(labels: readonly unknown[], usable: readonly number[]): readonly number[] {
  const used = new Set(usable);
  return [...labels.keys()].filter((row) => (labels[row] ?? null) !== null && !used.has(row));
}

function source(query: Source): string {
  return `${relationSql(query.parquetFiles)} WHERE (${query.where}\n)`;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
