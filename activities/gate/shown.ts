import type { ColumnType } from '../../domain/snapshot.ts';
import { identifier } from '../../stores/tables.ts';

const longestText = 200;

/** A column as SQL that survives the way into JSON: nested values become text, decimals numbers. */
export function shownSql(name: string, type: ColumnType): string {
  const column = identifier(name);
  if (type === 'number') return `CAST(${column} AS DOUBLE)`;
  return type === 'other' || type === 'string' ? `CAST(${column} AS VARCHAR)` : column;
}

/** A value that survives JSON: NaN and infinities as text, long text cut; nested values are text already. */
export function shownValue(value: unknown): string | number | boolean | null {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return typeof value === 'boolean' ? value : null;
}

/** A value in quotes, or `no value`. */
export function shownText(value: unknown): string {
  const shown = shownValue(value);
  return shown === null ? 'no value' : `'${String(shown)}'`;
}

/** A number to six digits, or `no value`. */
export function shownNumber(value: unknown): string {
  return value === null || value === undefined ? 'no value' : String(Number(Number(value).toPrecision(6)));
}

/** Text cut to 200 characters: a report must fit into what Temporal carries. */
export function cut(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}
