import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { CodedError } from '../domain/errors.ts';
import { firstPlace } from './data-files/dialect.ts';
import { orDiskFull } from './local-files.ts';
import { literal, openTables } from './tables.ts';

/** What is read of a danfojs DataFrame. */
export type FrameContent = { readonly columns: readonly unknown[]; readonly values: unknown };

type FrameColumn = { readonly name: string; readonly type: 'BIGINT' | 'DOUBLE' | 'BOOLEAN' | 'VARCHAR' | 'TIMESTAMP' };
type Row = readonly unknown[];

const linesAtOnce = 1_000;
/** How `frame` writes moments, and `Date` too: text of this form becomes a timestamp again. */
const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/;

/**
 * Writes a frame's rows into a Parquet file, in their order. Null, undefined and NaN become missing values; numbers are integers where all
 * are whole and exact; text is a timestamp (UTC) where all of it is written as `frame` writes one.
 *
 * @throws CodedError INPUT_INVALID for a frame without rows or columns, two columns of one name, a column whose values are of different
 * kinds, or an infinite number; DISK_FULL.
 */
export async function writeFrame(frame: FrameContent, path: string): Promise<void> {
  const rows = rowsOf(frame.values);
  const names = frame.columns.map(String);
  requireSound(names, rows);
  const columns = names.map((name, place): FrameColumn => ({ name, type: typeOf(name, place, rows) }));
  const lines = `${path}.jsonl`;
  await mkdir(dirname(path), { recursive: true });
  const tables = await openTables({ temporaryFolder: dirname(path) });
  try {
    await pipeline(Readable.from(linesOf(rows)), createWriteStream(lines));
    const types = columns.map(({ name, type }) => `${literal(name)}: ${literal(type)}`).join(', ');
    await tables.all(
      `COPY (SELECT * FROM read_json(${literal(lines)}, format = 'newline_delimited', columns = {${types}}))
       TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
  } catch (error) {
    throw orDiskFull(error, path);
  } finally {
    tables.close();
  }

  function* linesOf(all: readonly Row[]): Generator<string> {
    for (let from = 0; from < all.length; from += linesAtOnce) {
      const some = all.slice(from, from + linesAtOnce);
      yield some.map((row) => `${JSON.stringify(recordOf(columns, row))}\n`).join('');
    }
  }
}

function rowsOf(values: unknown): readonly Row[] {
  if (!Array.isArray(values)) return [];
  return values.map((row: unknown): Row => (Array.isArray(row) ? row : [row]));
}

function requireSound(names: readonly string[], rows: readonly Row[]): void {
  if (names.length === 0 || rows.length === 0)
    throw refused('The frame has no row or no column. Save one that has some.');
  const twice = names.find((name, place) => firstPlace(names, name) !== place);
  if (twice !== undefined) throw refused(`The frame has two columns '${twice}' (without regard to case). Rename one.`);
}

function typeOf(name: string, place: number, rows: readonly Row[]): FrameColumn['type'] {
  const kinds = new Set<string>();
  let whole = true;
  let moments = true;
  for (const row of rows) {
    const value = row[place];
    if (isMissing(value)) continue;
    kinds.add(typeof value);
    if (typeof value === 'number' && !Number.isFinite(value))
      throw refused(`Column '${name}' has an infinite number. Replace it before the frame is saved.`);
    whole &&= Number.isSafeInteger(value);
    moments &&= typeof value === 'string' && moment.test(value);
  }
  const [kind = 'string', second] = kinds;
  if (second !== undefined || !['number', 'boolean', 'string'].includes(kind))
    throw refused(`Column '${name}' holds ${[...kinds].join(' and ')}. Give it numbers, texts or booleans alone.`);
  if (kind === 'number') return whole ? 'BIGINT' : 'DOUBLE';
  if (kind === 'boolean') return 'BOOLEAN';
  return kinds.size > 0 && moments ? 'TIMESTAMP' : 'VARCHAR';
}

function recordOf(columns: readonly FrameColumn[], row: Row): Readonly<Record<string, unknown>> {
  return Object.fromEntries(columns.map(({ name }, place) => [name, isMissing(row[place]) ? null : row[place]]));
}

function isMissing(value: unknown): boolean {
  return value === null || value === undefined || Number.isNaN(value);
}

function refused(message: string): CodedError {
  return new CodedError('INPUT_INVALID', message);
}
