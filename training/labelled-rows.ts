import type { PastValues } from '../domain/aggregate.ts';
import { CodedError } from '../domain/errors.ts';
import {
  type EncodedRows,
  encodeRows,
  type FeatureModule,
  type FeatureNames,
  featureNames,
  type FeatureRow,
  type RawRecord,
  type RecordField,
} from '../domain/features.ts';
import type { Target } from '../domain/target.ts';
import { pastColumn } from '../stores/features/as-of-join.ts';
import { relationSql } from '../stores/slices.ts';
import { identifier, type Tables } from '../stores/tables.ts';
import { dataError } from './data-error.ts';

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

/**
 * Up to 2048 rows, in file order. `rowNumbers` counts from 0 over all rows that `where` lets through, skipped ones too, so that
 * a row has the same number whichever model reads it.
 */
export type LabelledRows = {
  readonly rows: EncodedRows;
  readonly labels: Uint8Array;
  readonly rowNumbers: Uint32Array;
  readonly skipped: number;
};

type Columns = readonly (readonly unknown[])[];

/** How many rows `where` lets through. Throws as `readLabelledRows` does. */
export async function countRows(
  tables: Tables,
  query: Pick<LabelledRowsQuery, 'parquetFiles' | 'where'>,
): Promise<number> {
  try {
    const [row] = await tables.all(`SELECT count(*) AS n FROM ${source(query)}`);
    return Number(row?.['n'] ?? 0);
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
  for await (const columns of readColumns(tables, query)) {
    for (const { record, past } of usableRows(query, columns))
      return namesOf(applyFeatures(query.features, record, past));
  }
  return null;
}

/**
 * Reads Parquet rows as features and labels. A row whose label or a field of whose record is null is skipped and counted: the
 * model server refuses such a record too.
 *
 * @throws CodedError DATA_UNREADABLE (damaged file), INPUT_INVALID (column, target or condition), FEATURES_INVALID.
 */
export async function* readLabelledRows(
  tables: Tables,
  query: LabelledRowsQuery,
  names: FeatureNames,
): AsyncGenerator<LabelledRows> {
  let read = 0;
  for await (const columns of readColumns(tables, query)) {
    const features: FeatureRow[] = [];
    const labels: number[] = [];
    const rowNumbers: number[] = [];
    for (const { record, past, label, row } of usableRows(query, columns)) {
      features.push(applyFeatures(query.features, record, past));
      labels.push(label);
      rowNumbers.push(read + row);
    }
    const count = columns[0]?.length ?? 0;
    read += count;
    yield {
      rows: encodeRows(names, features),
      labels: Uint8Array.from(labels),
      rowNumbers: Uint32Array.from(rowNumbers),
      skipped: count - features.length,
    };
  }
}

/** Columns without aliases: an alias could hide a column that `where` names. */
async function* readColumns(tables: Tables, query: LabelledRowsQuery): AsyncGenerator<Columns> {
  const fields = Object.entries(query.features.record).map(([name, type]) => fieldSql(name, type));
  const past = pastNames(query.features).map((name) => identifier(pastColumn(name)));
  const sql = `SELECT ${[...fields, `CAST((${query.target.sql}\n) AS INTEGER)`, ...past].join(', ')} FROM ${source(query)}`;
  try {
    yield* tables.columnChunks(sql);
  } catch (error) {
    throw dataError(error);
  }
}

function source(query: Pick<LabelledRowsQuery, 'parquetFiles' | 'where'>): string {
  return `${relationSql(query.parquetFiles)} WHERE (${query.where}\n)`;
}

function pastNames({ aggregates }: FeatureModule): readonly string[] {
  return aggregates === null ? [] : Object.keys(aggregates.values);
}

/** The column as the record's field: DOUBLE keeps BIGINT from arriving as bigint, timestamps become epoch milliseconds. */
function fieldSql(name: string, type: RecordField): string {
  const column = identifier(name);
  switch (type) {
    case 'number':
      return `CAST(${column} AS DOUBLE)`;
    case 'string':
      return `CAST(${column} AS VARCHAR)`;
    case 'boolean':
      return `CAST(${column} AS BOOLEAN)`;
    case 'timestamp':
      return `CAST(epoch_ms(CAST(${column} AS TIMESTAMP)) AS DOUBLE)`;
    default:
      return type satisfies never;
  }
}

type UsableRow = {
  readonly record: RawRecord;
  readonly past: PastValues;
  readonly label: number;
  readonly row: number;
};

function* usableRows(query: LabelledRowsQuery, columns: Columns): Generator<UsableRow> {
  const fields = Object.keys(query.features.record);
  const labels = columns[fields.length] ?? [];
  const names = pastNames(query.features);
  const values = columns.slice(fields.length + 1);
  for (let row = 0; row < labels.length; row += 1) {
    const label = labels[row];
    const record = recordAt(fields, columns, row);
    if (record === null || label === null) continue;
    if (label !== 0 && label !== 1) throw notBinary(query.target, label);
    yield { record, past: pastAt(names, values, row), label, row };
  }
}

function recordAt(fields: readonly string[], columns: Columns, row: number): RawRecord | null {
  const record: Record<string, number | string | boolean> = {};
  for (const [index, field] of fields.entries()) {
    const value = columns[index]?.[row];
    if (typeof value !== 'number' && typeof value !== 'string' && typeof value !== 'boolean') return null;
    if (typeof value === 'number' && !Number.isFinite(value)) return null;
    record[field] = value;
  }
  return record;
}

function pastAt(names: readonly string[], columns: Columns, row: number): PastValues {
  const past: Record<string, number | null> = {};
  for (const [index, name] of names.entries()) {
    const value = columns[index]?.[row];
    past[name] = typeof value === 'number' ? value : null;
  }
  return past;
}

function applyFeatures(module: FeatureModule, record: RawRecord, past: PastValues): FeatureRow {
  let row: unknown;
  try {
    row = module.features(record, past);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError(
      'FEATURES_INVALID',
      `The feature function threw '${reason}' on the record ${JSON.stringify(record)}. Correct the pipeline's features.ts.`,
      { details: { record, past }, cause: error },
    );
  }
  if (isFeatureRow(row)) return row;
  throw new CodedError(
    'FEATURES_INVALID',
    `The feature function must return an object of numbers and strings, got ${String(row)}. Correct the pipeline's features.ts.`,
    { details: { record } },
  );
}

/** Only that it is an object: `namesOf` and `encodeRows` look at its values. */
function isFeatureRow(row: unknown): row is FeatureRow {
  return typeof row === 'object' && row !== null;
}

function namesOf(row: FeatureRow): FeatureNames {
  const names = featureNames(row);
  const unlike = Object.keys(row).find((name) => !names.numbers.includes(name) && !names.categories.includes(name));
  if (unlike !== undefined)
    throw new CodedError(
      'FEATURES_INVALID',
      `Feature '${unlike}' must be a number or a string, got ${String(row[unlike])}. Correct the pipeline's features.ts.`,
    );
  if (names.numbers.length + names.categories.length === 0)
    throw new CodedError(
      'FEATURES_INVALID',
      "The feature function returns no feature. Return an object of numbers and strings from the pipeline's features.ts.",
    );
  return names;
}

function notBinary(target: Target, label: unknown): CodedError {
  return new CodedError(
    'INPUT_INVALID',
    `Target '${target.name}' (${target.sql}) must be true, false or null in each row, got ${String(label)}. Write a comparison, for example 'delay > 15'.`,
  );
}
