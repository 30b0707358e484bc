import type { Column } from '../../domain/snapshot.ts';
import { relationSql } from '../../stores/slices.ts';
import { identifier, literal, type Tables } from '../../stores/tables.ts';

/** Which part of an endpoint's inference log; ISO 8601, half open. */
export type Requests = {
  readonly inference: readonly string[];
  readonly columns: readonly Column[];
  readonly since: string;
  readonly until: string;
};

/**
 * Writes what an endpoint was asked as rows of a dataset: the raw records of its inference log, each request once, with the dataset's
 * columns and types. A field that requests lack is null, so a label is missing as a whole. Requests that came as tensors have no record, and those of
 * testers, who name the version themselves, are no traffic.
 *
 * @returns how many requests there are.
 */
export async function writeRequests(tables: Tables, requests: Requests, path: string): Promise<number> {
  const columns = requests.columns.map((column) => `${fieldSql(column)} AS ${identifier(column.name)}`);
  const at = (time: string) => `CAST(${literal(time.replace('Z', ''))} AS TIMESTAMP)`;
  const [row] = await tables.all(
    `COPY (SELECT ${columns.join(', ')} FROM ${relationSql(requests.inference)}
     WHERE NOT shadow AND record <> 'null' AND arm IS DISTINCT FROM 'direct' AND "at" >= ${at(requests.since)} AND "at" < ${at(requests.until)})
     TO ${literal(path)} (FORMAT parquet)`,
  );
  return Number(row?.['Count']);
}

/** JSON pointers know quotes, dots and dollars in a name; only `~` and `/` are written otherwise (RFC 6901). */
function fieldSql({ name, type }: Column): string {
  const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const text = `json_extract_string(record, ${literal(pointer)})`;
  switch (type) {
    case 'integer':
      return `TRY_CAST(${text} AS BIGINT)`;
    case 'number':
      return `TRY_CAST(${text} AS DOUBLE)`;
    case 'boolean':
      return `TRY_CAST(${text} AS BOOLEAN)`;
    case 'timestamp':
      return `TRY_CAST(${text} AS TIMESTAMPTZ)`;
    case 'string':
    case 'other':
      return text;
    default:
      return type satisfies never;
  }
}
