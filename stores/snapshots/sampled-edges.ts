import type { Column } from '../../domain/snapshot.ts';
import { relationSql } from '../slices.ts';
import { identifier, type Tables } from '../tables.ts';
import { type Edges, valueSql } from './measured-column.ts';

const edgeCount = 40;
const valueCount = 50;
/** Longer texts are no categories; they count as unseen. */
const longestValue = 200;
const sampleRows = 100_000;
/** The sample is held in memory. */
const sampleCells = 5_000_000;
const sample = identifier('perdura statistics sample');

/**
 * Edges for columns of local Parquet files, from one even sample of their rows: where a bin begins matters little, since the counts over
 * it are exact. Quantiles are values that occur; equal ones are one edge. Up to the sample's size all rows are looked at.
 */
export async function sampledEdges(
  tables: Tables,
  files: readonly string[],
  columns: readonly Column[],
): Promise<ReadonlyMap<string, Edges>> {
  const profiled = columns.filter(({ type }) => type !== 'other');
  const values = profiled.map((column, place) => `${valueSql(column)} AS ${identifier(`v${place}`)}`);
  const found = new Map<string, Edges>();
  if (values.length === 0) return found;
  const rows = Math.max(1_000, Math.min(sampleRows, Math.floor(sampleCells / values.length)));
  await tables.all(
    `CREATE OR REPLACE TEMP TABLE ${sample} AS SELECT ${values.join(', ')} FROM ${relationSql(files)}
     USING SAMPLE reservoir(${rows} ROWS) REPEATABLE (1)`,
  );
  try {
    for (const [name, edges] of await numberEdges(tables, profiled)) found.set(name, edges);
    for (const [place, column] of profiled.entries()) {
      if (!isNumeric(column)) found.set(column.name, { kind: 'category', values: await topValues(tables, place) });
    }
    return found;
  } finally {
    await tables.all(`DROP TABLE ${sample}`);
  }
}

function isNumeric({ type }: Column): boolean {
  return type === 'integer' || type === 'number' || type === 'timestamp';
}

async function numberEdges(tables: Tables, columns: readonly Column[]): Promise<readonly (readonly [string, Edges])[]> {
  const shares = Array.from({ length: edgeCount }, (_, place) => (place + 1) / (edgeCount + 1));
  const places = columns.flatMap((column, place) => (isNumeric(column) ? [{ name: column.name, place }] : []));
  if (places.length === 0) return [];
  const aggregates = places.map(({ place }) => {
    const value = identifier(`v${place}`);
    const finite = `FILTER (isfinite(${value}))`;
    return `quantile_disc(${value}, '[${shares.join(', ')}]'::DOUBLE[]) ${finite} AS ${identifier(`q${place}`)}, max(${value}) ${finite} AS ${identifier(`m${place}`)}`;
  });
  const [row = {}] = await tables.all(`SELECT ${aggregates.join(', ')} FROM ${sample}`);
  return places.map(({ name, place }) => {
    const quantiles = row[`q${place}`];
    const distinct = Array.isArray(quantiles) ? [...new Set(quantiles.map((value) => Number(value) + 0))] : [];
    const edges = distinct.toSorted((a, b) => a - b);
    return [name, { kind: 'number', edges: withRoomAbove(edges, Number(row[`m${place}`]) + 0) }] as const;
  });
}

/**
 * Where the largest value is so frequent that it is an edge, whatever comes beyond it would fall into its bin and be no drift: all 4 and then
 * all 5 would look alike. It gets a bin of its own, which begins a hundredth of the span further (of the value itself where there is no
 * span), so that it can be drawn too. Below the smallest value there always is such a bin.
 */
function withRoomAbove(edges: readonly number[], largest: number): readonly number[] {
  const last = edges.at(-1);
  if (last === undefined || last < largest) return edges;
  const span = last - (edges[0] ?? last);
  const beyond = last + (span > 0 ? span : Math.abs(last) || 1) / 100;
  return beyond > last && Number.isFinite(beyond) ? [...edges, beyond] : edges;
}

async function topValues(tables: Tables, place: number): Promise<readonly string[]> {
  const value = identifier(`v${place}`);
  const rows = await tables.all(
    `SELECT ${value} AS v, count(*) AS n FROM ${sample}
     WHERE ${value} IS NOT NULL AND length(${value}) <= ${longestValue} AND NOT contains(${value}, chr(0))
     GROUP BY ${value} ORDER BY n DESC, v LIMIT ${valueCount}`,
  );
  return rows.map((row) => String(row['v']));
}
