import type { ModelReference } from '../../domain/model-package.ts';
import { literal, openTables, type Tables, type TablesOptions } from '../../stores/tables.ts';

/** Local Parquet files of the inference log and of the labels. */
export type TrafficFiles = { readonly inference: readonly string[]; readonly labels: readonly string[] };

/** Which rows count: of these versions, of this route epoch or later, answered at or after `since` (ISO 8601). */
export type TrafficScope = {
  readonly versions: readonly Pick<ModelReference, 'model' | 'modelVersion'>[];
  readonly sinceEpoch: number;
  readonly since: string;
};

const answerColumns = `requestId VARCHAR, subject VARCHAR, "at" TIMESTAMP, epoch INTEGER, model VARCHAR, modelVersion VARCHAR,
  shadow BOOLEAN, status INTEGER, latencyMs DOUBLE, output DOUBLE`;

/**
 * Opens DuckDB with two tables: `answers` (one row per request, version and shadow or live: the earliest, should a file hold one
 * twice) and `labels` (one per request: the latest, so that a corrected outcome wins). Close it.
 */
export async function openTraffic(
  files: TrafficFiles,
  scope: TrafficScope,
  options: TablesOptions = {},
): Promise<Tables> {
  const tables = await openTables(options);
  try {
    await tables.all(`CREATE TABLE answers (${answerColumns})`);
    await tables.all('CREATE TABLE labels (requestId VARCHAR, label DOUBLE)');
    if (files.inference.length > 0) await tables.all(`INSERT INTO answers ${answersQuery(files.inference, scope)}`);
    if (files.labels.length > 0) await tables.all(`INSERT INTO labels ${labelsQuery(files.labels)}`);
    return tables;
  } catch (error) {
    tables.close();
    throw error;
  }
}

/** SQL condition: the row of this table is of this version. */
export function isVersion(version: Pick<ModelReference, 'model' | 'modelVersion'>, table = 'answers'): string {
  return `(${table}.model = ${literal(version.model)} AND ${table}.modelVersion = ${literal(version.modelVersion)})`;
}

/** All values of a query's one DOUBLE column. */
export async function column(tables: Tables, sql: string): Promise<readonly number[]> {
  const values: number[] = [];
  for await (const [chunk] of tables.columnChunks(sql)) {
    for (const value of chunk ?? []) if (typeof value === 'number') values.push(value);
  }
  return values;
}

/** The one number of a query's one row, 0 where it is null. */
export async function count(tables: Tables, sql: string): Promise<number> {
  const [row] = await tables.all(sql);
  return Number(Object.values(row ?? {})[0] ?? 0);
}

/** SQL condition: the route chose who answers. What a client asked of a version that it named itself says nothing of the arms. */
export const isEvidence = "arm IS DISTINCT FROM 'direct'";

/** Shadows of what a client asked of a version that it named itself are no evidence either: they have no live answer beside them. */
function answersQuery(files: readonly string[], scope: TrafficScope): string {
  return `SELECT requestId, subject, "at", epoch, model, modelVersion, shadow, status, latencyMs, output
    FROM ${parquet(files)} AS answers
    WHERE ${isEvidence} AND epoch >= ${scope.sinceEpoch} AND "at" >= CAST(${literal(scope.since)} AS TIMESTAMP)
      AND NOT (shadow AND requestId IN (SELECT requestId FROM ${parquet(files)} WHERE arm = 'direct'))
      AND (${scope.versions.map((version) => isVersion(version)).join(' OR ')})
    QUALIFY row_number() OVER (PARTITION BY requestId, model, modelVersion, shadow ORDER BY "at") = 1`;
}

function labelsQuery(files: readonly string[]): string {
  return `SELECT requestId, label FROM ${parquet(files)} WHERE label IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY requestId ORDER BY "at" DESC) = 1`;
}

/** The rows of local Parquet files, for FROM; columns that older files lack are null there. */
export function parquet(files: readonly string[]): string {
  return `read_parquet([${files.map(literal).join(', ')}], union_by_name = true)`;
}
