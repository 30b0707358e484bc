import { relationSql } from '../../stores/slices.ts';
import { identifier, type TableRow, type Tables } from '../../stores/tables.ts';
import { type NumberedCheck, type Observation, rowCondition } from './check.ts';
import type { Layout } from '../../stores/snapshots/describe-files.ts';

/** What the one scan counted: the rows, and for each check how many rows it marked, or its value, and what it saw there. */
export type ScanResult = { readonly rows: number; readonly found: ReadonlyMap<string, Found> };

/** `value` is null where there was nothing to take it of. */
export type Found = { readonly marked: number; readonly value: number | null; readonly seen: number | null };

const ends: Readonly<Record<Observation, string | null>> = {
  smallest: 'min',
  largest: 'max',
  share: null,
  values: null,
};

/** All files as one relation whose rows know their file and place and carry the mark of every check that marks rows. */
export function markedSql(layout: Layout, checks: readonly NumberedCheck[]): string {
  const marks = checks.flatMap(({ check, mark }) => {
    const condition = rowCondition(check);
    return condition === null ? [] : [`coalesce(${condition}, false) AS ${identifier(mark)}`];
  });
  const columns = ['*', 'file_index', 'file_row_number', ...marks];
  return `SELECT ${columns.join(', ')} FROM ${relationSql(layout.files.map((file) => file.path))}`;
}

/** Answers every check by one statement that reads every needed column once. */
export async function scan(tables: Tables, layout: Layout, checks: readonly NumberedCheck[]): Promise<ScanResult> {
  const aggregates = checks.flatMap(aggregatesOf);
  const [row = {}] = await tables.all(
    `WITH marked AS (${markedSql(layout, checks)}) SELECT ${['count(*) AS "rows"', ...aggregates].join(', ')} FROM marked`,
  );
  const found = checks.map(({ mark }) => [mark, foundOf(row, mark)] as const);
  return { rows: Number(row['rows']), found: new Map(found) };
}

function aggregatesOf({ check, mark }: NumberedCheck): readonly string[] {
  if (check.kind === 'value') return [`${check.sql} AS ${identifier(`${mark} value`)}`];
  if (check.bad === null) return [];
  const marked = `count_if(${identifier(mark)}) AS ${identifier(`${mark} marked`)}`;
  if (check.kind === 'structure') return [marked];
  const end = ends[check.observe];
  return end === null ? [marked] : [marked, `${end}(${check.value}) AS ${identifier(`${mark} seen`)}`];
}

function foundOf(row: TableRow, mark: string): Found {
  return {
    marked: Number(row[`${mark} marked`] ?? 0),
    value: numberOrNull(row[`${mark} value`]),
    seen: numberOrNull(row[`${mark} seen`]),
  };
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
