import type { Column } from '../../domain/snapshot.ts';
import type { Task } from '../../domain/target.ts';
import { type ColumnFacts, numberSql, valueSql } from './column-facts.ts';
import type { Source } from './source.ts';

/** A column that alone predicts the target. */
export type Leak = { readonly column: string; readonly measure: 'AUC' | 'accuracy' | 'R²'; readonly value: number };

/** What no honest column reaches by itself. */
const suspicious = 0.99;
/** Where one class is nearly all, its share alone would look like knowledge. */
const oneSided = 0.98;
/** Numbers with no more different values than this are groups of their own, others are put into as many groups. */
const mostGroups = 100;
const rowsPerGroup = 20;

/**
 * Says whether a column alone predicts the target, most often because it is only known when the outcome is: a date of cancellation, a refund.
 *
 * Rows are grouped by the column's value, numbers by their quantiles; rows without a value are a group. Each half of the rows is
 * predicted by what the target is in the same group of the other half (two-fold target encoding), so that a key, whose groups are single rows,
 * predicts nothing. Binary: AUC; several classes: accuracy; a number: R², or the squared correlation where that is larger.
 */
export async function findLeak(
  source: Source,
  { column, numbers, words }: ColumnFacts,
  target: { readonly task: Task; readonly label: string },
): Promise<Leak | null> {
  const numeric = numbers !== null && (column.type !== 'string' || words.length > 0) && column.type !== 'boolean';
  const value = numberSql(column);
  // Infinity has no place on a line, and an enormous number no square.
  const key = numeric ? `CASE WHEN abs(${value}) < 1e100 THEN ${value} END` : `CAST(${valueSql(column)} AS VARCHAR)`;
  const groups = numeric && numbers.distinct > mostGroups ? groupCount(source.rows) : null;
  const rows = rowsSql(source, { key, label: target.label, groups, numeric });
  switch (target.task) {
    case 'binary':
      return leak(column, 'AUC', await number(source, aucSql(rows)));
    case 'multiclass':
      return leak(column, 'accuracy', await number(source, accuracySql(rows)));
    case 'regression':
      return leak(column, 'R²', await number(source, determinationSql(rows)));
    default:
      return target.task satisfies never;
  }
}

function leak({ name }: Column, measure: Leak['measure'], value: number | null): Leak | null {
  return value !== null && value > suspicious ? { column: name, measure, value } : null;
}

function groupCount(rows: number): number {
  return Math.max(5, Math.min(mostGroups, Math.floor(rows / rowsPerGroup)));
}

type Rows = { readonly key: string; readonly label: string; readonly groups: number | null; readonly numeric: boolean };

/** Columns `g` (the group), `v` (the value, where it is a number), `y` (the label) and `half`. Equal values are in one group. */
function rowsSql({ relation }: Source, { key, label, groups, numeric }: Rows): string {
  const place = `floor(${String(groups)} * (rank() OVER (ORDER BY v) - 1) / count(*) OVER ())`;
  const group = groups === null ? 'v' : `CASE WHEN v IS NOT NULL THEN ${place} END`;
  return `rows AS (
      SELECT coalesce('v' || CAST(${group} AS VARCHAR), 'n') AS g, ${numeric ? 'v' : 'CAST(NULL AS DOUBLE) AS v'}, y, half
      FROM (SELECT ${key} AS v, ${label} AS y, hash(row_number() OVER ()) % 2 AS half FROM ${relation}) WHERE y IS NOT NULL
    )`;
}

/** `p`: what the other half's group says of the row; the mean of all where it has none. */
function predictedSql(rows: string): string {
  return `${rows},
    sums AS (SELECT g, half, sum(y) AS s, count(*) AS n FROM rows GROUP BY ALL),
    predicted AS (
      SELECT rows.y, rows.v, coalesce(s / n, (SELECT avg(y) FROM rows)) AS p
      FROM rows LEFT JOIN sums ON sums.g = rows.g AND sums.half != rows.half
    )`;
}

/** Of every pair of a true and a false row: the share in which the true one is rated higher; half of those that are rated alike. */
function aucSql(rows: string): string {
  return `WITH ${predictedSql(rows)},
    rated AS (SELECT p, sum(y) AS yes, sum(1 - y) AS no FROM predicted GROUP BY p),
    below AS (SELECT *, sum(no) OVER (ORDER BY p) - no AS lower FROM rated)
    SELECT sum(yes * (lower + no / 2)) / (sum(yes) * sum(no)) AS found FROM below`;
}

function determinationSql(rows: string): string {
  return `WITH ${predictedSql(rows)},
    shares AS (SELECT 1 - sum((y - p) * (y - p)) / nullif(var_pop(y) * count(*), 0) AS grouped, corr(v, y) AS straight FROM predicted)
    SELECT greatest(grouped, CASE WHEN isfinite(straight) THEN straight * straight END) AS found FROM shares`;
}

function accuracySql(rows: string): string {
  return `WITH ${rows},
    counts AS (SELECT g, half, y, count(*) AS n FROM rows GROUP BY ALL),
    best AS (SELECT g, half, arg_max(y, n) AS y FROM counts GROUP BY ALL),
    shares AS (SELECT y, count(*) / (SELECT count(*) FROM rows) AS share FROM rows GROUP BY y)
    SELECT CASE WHEN (SELECT max(share) FROM shares) < ${oneSided} THEN avg(CAST(coalesce(best.y = rows.y, false) AS INTEGER)) END AS found
    FROM rows LEFT JOIN best ON best.g = rows.g AND best.half != rows.half`;
}

async function number({ tables }: Source, sql: string): Promise<number | null> {
  const [row] = await tables.all(sql);
  const found = row?.['found'];
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}
