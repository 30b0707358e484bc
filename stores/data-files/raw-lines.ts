import { open } from 'node:fs/promises';
import { literal, pathLiteral, type Tables } from '../tables.ts';
import { delimiterOf, dialectSql, packingSql, quoteOf, type TextFile } from './dialect.ts';

/** Stands in no text file: lines are read whole. */
const noDelimiter = '\u001f';
const rejects = "store_rejects = true, rejects_table = 'perdura_rejects', rejects_scan = 'perdura_rejects_scan'";

/** The names in the first line of a CSV or TSV file; a name that goes over several lines is cut. */
export async function headerNames(tables: Tables, file: TextFile): Promise<readonly string[]> {
  const [row] = await tables.all(`SELECT line FROM ${linesSql(file)}, ignore_errors = true) LIMIT 1`);
  const line = row?.['line'];
  return valuesOf(typeof line === 'string' ? line : '', delimiterOf(file), quoteOf(file));
}

/**
 * Why DuckDB could not read a text file, with the line: its own message leaves the line out where it fails on guessing types. Null where
 * nothing was found.
 */
export async function firstFault(tables: Tables, file: TextFile): Promise<string | null> {
  const mark = await otherEncoding(file);
  if (mark !== null) return mark;
  return file.format === 'jsonl' ? jsonFault(tables, file) : csvFault(tables, file);
}

async function csvFault(tables: Tables, file: TextFile): Promise<string | null> {
  const names = file.dialect?.columns ?? (await headerNames(tables, file));
  const columns = names.map((_, place) => `'c${place}': 'VARCHAR'`).join(', ');
  const header = file.dialect?.columns === undefined;
  const relation = `read_csv(${pathLiteral(file.path)}, auto_detect = false, ${dialectSql(file)}, header = ${header}, columns = {${columns}}, ${rejects})`;
  return rejected(tables, relation);
}

async function jsonFault(tables: Tables, file: TextFile): Promise<string | null> {
  const encoding = await rejected(tables, `${linesSql(file)}, ${rejects})`);
  if (encoding !== null) return encoding;
  const [row] = await tables.all(
    `SELECT n FROM (SELECT row_number() OVER () AS n, line FROM ${linesSql(file)}))
     WHERE trim(line) <> '' AND CASE WHEN json_valid(line) THEN json_type(line) NOT IN ('OBJECT', 'NULL') ELSE true END ORDER BY n LIMIT 1`,
  );
  return row === undefined ? null : `line ${String(row['n'])}: it is no whole JSON object`;
}

/** Reads every value and gives the first row that had to be left out. */
async function rejected(tables: Tables, relation: string): Promise<string | null> {
  try {
    await tables.all(`SELECT bit_xor(hash(COLUMNS(*))) FROM ${relation}`);
    const [row] = await tables.all(
      `SELECT line, byte_position, error_type::VARCHAR AS kind, error_message FROM perdura_rejects ORDER BY line LIMIT 1`,
    );
    if (row === undefined) return null;
    const text = String(row['error_message']).split('\n')[0] ?? '';
    const advice = row['kind'] === 'INVALID ENCODING' ? ' Name its encoding in the dialect' : '';
    return `line ${String(row['line'])}, byte ${String(row['byte_position'])}: ${text}${advice}`;
  } catch {
    return null;
  } finally {
    await tables.all('DROP TABLE IF EXISTS perdura_rejects');
    await tables.all('DROP TABLE IF EXISTS perdura_rejects_scan');
  }
}

/** Ends without its closing bracket, so that options can follow. */
function linesSql(file: TextFile): string {
  const packing = packingSql(file.format === 'jsonl' ? { ...file, dialect: null } : file);
  return `read_csv(${pathLiteral(file.path)}, auto_detect = false, header = false, delim = ${literal(noDelimiter)}, quote = '', escape = '', columns = {'line': 'VARCHAR'}, ${packing}`;
}

/** The byte order mark of UTF-16 at the beginning of a file that is read as something else. */
async function otherEncoding({ path, compression, format, dialect }: TextFile): Promise<string | null> {
  if (compression !== 'none' || (format !== 'jsonl' && dialect?.encoding === 'utf-16')) return null;
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    const mark = buffer.toString('hex');
    if (mark !== 'fffe' && mark !== 'feff') return null;
    return `byte 1: it begins with the byte order mark of UTF-16, not with ${dialect?.encoding ?? 'utf-8'} text`;
  } finally {
    await file.close();
  }
}

function valuesOf(line: string, delimiter: string, quote: string): readonly string[] {
  const values: string[] = [];
  let value = '';
  let quoted = false;
  for (let place = 0; place < line.length; place++) {
    const here = line[place];
    if (quote !== '' && here === quote) {
      const doubled = quoted && line[place + 1] === quote;
      if (doubled) value += line[++place];
      else quoted = !quoted;
    } else if (!quoted && line.startsWith(delimiter, place)) {
      values.push(value.trim());
      value = '';
      place += delimiter.length - 1;
    } else value += here;
  }
  return [...values, value.trim()];
}
