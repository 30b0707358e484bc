import { join } from 'node:path';
import { CodedError } from '../domain/errors.ts';
import { asOfJoinSql, pastColumn } from '../stores/features/as-of-join.ts';
import { relationSql } from '../stores/slices.ts';
import { identifier, literal, type Tables } from '../stores/tables.ts';
import { dataError } from './data-error.ts';
import { labelSql } from './label-column.ts';
import type { LabelledRowsQuery } from './labelled-rows.ts';

/**
 * The dataset that the rows are of, and a folder that the joined rows may lie in until they are read; `by` are columns to keep beside the
 * record.
 */
export type JoinPastOptions = { readonly dataset: string; readonly folder: string; readonly by?: readonly string[] };

const label = identifier('perdura label');

/**
 * Joins the declared aggregates to the rows of a query, each as of its row's time, and returns the query of the joined rows: one Parquet file
 * with the record, the label and the aggregates, in the same order. The events are all rows of the files: `where` says only which rows
 * are read. Without aggregates the query is returned as it is.
 *
 * @throws CodedError FEATURES_INVALID when the aggregates are of another dataset; those of `readLabelledRows`.
 */
export async function joinPast(
  tables: Tables,
  query: LabelledRowsQuery,
  { dataset, folder, by = [] }: JoinPastOptions,
): Promise<LabelledRowsQuery> {
  const { record, aggregates } = query.features;
  if (aggregates === null) return query;
  if (aggregates.dataset !== dataset)
    throw new CodedError(
      'FEATURES_INVALID',
      `The features' aggregates are of the dataset '${aggregates.dataset}', and the rows are of '${dataset}'. Name the dataset that the model learns from in 'aggregates' of features.ts.`,
      { details: { declared: aggregates.dataset, dataset } },
    );
  // Virtual columns of Parquet scans: the place of a row, whatever thread read it.
  const rows = `(SELECT *, file_index AS "perdura file", file_row_number AS "perdura number" FROM ${relationSql(query.parquetFiles)})`;
  const columns = [
    ...new Set([...Object.keys(record), ...by].map(identifier)),
    `${labelSql(query.target)} AS ${label}`,
    ...Object.keys(aggregates.values).map((name) => identifier(pastColumn(name))),
  ];
  const file = join(folder, 'rows-with-past.parquet');
  try {
    await tables.all(
      `COPY (
        SELECT ${columns.join(', ')} FROM (${asOfJoinSql({ rows, events: null, aggregates })})
        WHERE (${query.where}\n) ORDER BY "perdura file", "perdura number"
      ) TO ${literal(file)} (FORMAT parquet)`,
    );
  } catch (error) {
    throw dataError(error);
  }
  return { ...query, parquetFiles: [file], where: 'true', target: { ...query.target, sql: label } };
}
