import { literal, pathLiteral, type TableRow, type Tables } from '../tables.ts';
import type { TextFile } from './dialect.ts';
import { type GuessedColumn, keptText } from './kept-text.ts';

/** A JSON Lines file to stand behind FROM; `asText` gives columns as the text that stands there. */
export type JsonRelation = {
  readonly sql: string;
  readonly columns: readonly GuessedColumn[];
  readonly asText: (names: readonly string[]) => string;
};

/** DuckDB makes one MAP of records of which each has other members; they are columns all the same. */
const sparse = ', map_inference_threshold = -1, field_appearance_threshold = 0';

/**
 * Reads the columns of a JSON Lines file, each line an object.
 *
 * @throws Error for lines that are none, and for names that differ in case alone: DuckDB would call the second `a` of two `a_1`.
 */
export async function jsonRelation(tables: Tables, file: TextFile): Promise<JsonRelation> {
  const compression = file.compression === 'none' ? 'uncompressed' : file.compression;
  const from = `${pathLiteral(file.path)}, format = 'newline_delimited', compression = ${literal(compression)}`;
  const { typed, columns } = await guessed(tables, `${from}, sample_size = -1, records = true`);
  await requireOwnNames(tables, from, columns);
  const asText = (names: readonly string[]): string =>
    `read_json(${from}, columns = {${names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ')}})`;
  const kept = await keptText(tables, { columns, typed, asText });
  if (kept.length === 0) return { sql: typed, columns, asText };
  const own = columns.map(({ name, type }) => ({ name, type: kept.includes(name) ? 'VARCHAR' : type }));
  const types = own.map(({ name, type }) => `${literal(name)}: ${literal(type)}`).join(', ');
  return { sql: `read_json(${from}, columns = {${types}})`, columns: own, asText };
}

async function guessed(
  tables: Tables,
  from: string,
): Promise<{ readonly typed: string; readonly columns: readonly GuessedColumn[] }> {
  try {
    return await described(tables, `read_json(${from})`);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('expected records')) throw error;
    return described(tables, `read_json(${from}${sparse})`);
  }
}

async function described(
  tables: Tables,
  typed: string,
): Promise<{ readonly typed: string; readonly columns: readonly GuessedColumn[] }> {
  const rows = await tables.all(`DESCRIBE SELECT * FROM ${typed}`);
  return { typed, columns: rows.map(columnOf) };
}

function columnOf(row: TableRow): GuessedColumn {
  return { name: String(row['column_name']), type: String(row['column_type']) };
}

async function requireOwnNames(tables: Tables, from: string, columns: readonly GuessedColumn[]): Promise<void> {
  const names = new Set(columns.map(({ name }) => name.toLowerCase()));
  for (const { name } of columns) {
    const base = name.replace(/_\d+$/, '');
    if (base === name || !names.has(base.toLowerCase())) continue;
    const said = `list_contains(json_keys(json), ${literal(name)})`;
    const [line] = await tables.all(`SELECT 1 FROM read_json_objects(${from}) WHERE ${said} LIMIT 1`);
    if (line === undefined)
      throw new Error(`it names the column '${base}' twice (names are compared without regard to case)`);
  }
}
