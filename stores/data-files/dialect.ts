import { CodedError } from '../../domain/errors.ts';
import type { DataFormat, TextDialect } from '../../domain/snapshot.ts';
import { literal } from '../tables.ts';
import type { Compression } from './format.ts';

/** A local text file and how it is written. */
export type TextFile = {
  readonly path: string;
  readonly format: DataFormat;
  readonly compression: Compression;
  readonly dialect: TextDialect | null;
};

/** Left to itself DuckDB skips first lines, and cuts at `#`, where that makes more of a file look alike: rows are lost without a word. */
const asWritten = "skip = 0, comment = '', strict_mode = true, null_padding = false";

const members: readonly string[] = ['delimiter', 'quote', 'encoding', 'columns'] satisfies (keyof TextDialect)[];
const encodings: readonly unknown[] = ['utf-8', 'utf-16', 'latin-1'];

/**
 * Refuses a dialect that DuckDB would not understand, or would understand as something else.
 *
 * @throws CodedError INPUT_INVALID naming the setting.
 */
export function requireDialect(dialect: TextDialect): void {
  requireMembers(dialect);
  const { delimiter, quote, encoding, columns } = dialect;
  if (delimiter !== undefined && (!/^[^\r\n\0]+$/.test(delimiter) || Buffer.byteLength(delimiter) > 4))
    throw refused(`The delimiter ${JSON.stringify(delimiter)} is none. Give one to four bytes, no line break.`);
  if (quote !== undefined && !/^[^\r\n\0]?$/.test(quote))
    throw refused(`The quote ${JSON.stringify(quote)} is none. Give one character, or '' for none.`);
  if (quote !== undefined && quote !== '' && quote === (delimiter ?? ','))
    throw refused(`Delimiter and quote are both ${JSON.stringify(quote)}. Give two that differ.`);
  if (encoding !== undefined && !encodings.includes(encoding))
    throw refused(`The encoding '${String(encoding)}' is not known. Give utf-8, utf-16 or latin-1.`);
  const twice = columns?.find((name, place) => firstPlace(columns, name) !== place);
  if (twice !== undefined) throw refused(`The columns name '${twice}' twice. Give each column a name of its own.`);
  if (columns?.length === 0 || columns?.includes('') === true)
    throw refused('A column has no name. Name each column, or leave the names out where the files have a header line.');
}

/** A pipeline's dialect arrives as JSON: a misspelt member would be left out, and the files read as something else. */
function requireMembers(dialect: unknown): void {
  if (typeof dialect !== 'object' || dialect === null || Array.isArray(dialect))
    throw refused(`A dialect is an object such as { delimiter: ';' }, not ${JSON.stringify(dialect)}.`);
  for (const [name, value] of Object.entries(dialect)) {
    if (!members.includes(name)) throw refused(`A dialect has no '${name}'. It has ${members.join(', ')}.`);
    const isTexts = Array.isArray(value) && value.every((one) => typeof one === 'string');
    if (value !== undefined && (name === 'columns' ? !isTexts : typeof value !== 'string'))
      throw refused(`The ${name} ${JSON.stringify(value)} is no ${name === 'columns' ? 'list of names' : 'text'}.`);
  }
}

/** DuckDB compares names without regard to case. */
export function firstPlace(names: readonly string[], name: string): number {
  return names.findIndex((other) => other.toLowerCase() === name.toLowerCase());
}

/** What separates the values of a file. */
export function delimiterOf({ format, dialect }: Pick<TextFile, 'format' | 'dialect'>): string {
  return dialect?.delimiter ?? (format === 'tsv' ? '\t' : ',');
}

/** What may stand round a value; empty where nothing does. */
export function quoteOf({ dialect }: Pick<TextFile, 'dialect'>): string {
  return dialect?.quote ?? '"';
}

/** The options of read_csv that say how the file is written; `header` aside. */
export function dialectSql(file: TextFile): string {
  const quote = literal(quoteOf(file));
  const delimiter = `delim = ${literal(delimiterOf(file))}, quote = ${quote}, escape = ${quote}`;
  return `${delimiter}, ${asWritten}, ${packingSql(file)}`;
}

/** The options that say what lies under the text. */
export function packingSql({ compression, dialect }: TextFile): string {
  return `compression = ${literal(compression)}, encoding = ${literal(dialect?.encoding ?? 'utf-8')}`;
}

function refused(message: string): CodedError {
  return new CodedError('INPUT_INVALID', message);
}
