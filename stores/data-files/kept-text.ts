import { identifier, literal, type TableRow, type Tables } from '../tables.ts';

/** A column as DuckDB would read it. */
export type GuessedColumn = { readonly name: string; readonly type: string };

/** A file's rows with the types that DuckDB guesses, and columns of it as the text that stands there. */
export type GuessedRows = {
  readonly columns: readonly GuessedColumn[];
  readonly typed: string;
  readonly asText: (names: readonly string[]) => string;
};

/** The first whole number that 64 bits do not take. */
const beyondInteger = '9223372036854775808';
const wholeNumber = '[+-]?[0-9]+';
/** The year first, or one of DuckDB's words. */
const yearFirst = String.raw`^\s*([+-]?\d{4,}|[+-]?infinity|epoch)`;

/**
 * The columns that have to stay text, because DuckDB's guess would change what they say: whole numbers too large for 64 bits, of which it
 * makes DOUBLEs that many of them share, and so does Parquet of its HUGEINTs; and dates whose year does not stand first, where it takes the day for the month or not, each file by
 * itself.
 */
export async function keptText(tables: Tables, rows: GuessedRows): Promise<readonly string[]> {
  return [...(await tooLarge(tables, rows)), ...(await yearBehind(tables, rows))];
}

async function tooLarge(tables: Tables, { columns, typed, asText }: GuessedRows): Promise<readonly string[]> {
  const doubles = columns.filter(({ type }) => type === 'DOUBLE' || type === 'HUGEINT');
  const suspects = await whereTrue(tables, doubles, {
    relation: typed,
    holds: (value) => `bool_and(${value} = floor(${value})) AND max(abs(${value})) >= ${beyondInteger}`,
  });
  return whereTrue(
    tables,
    doubles.filter(({ name }) => suspects.includes(name)),
    { relation: asText(suspects), holds: (value) => `bool_and(regexp_full_match(trim(${value}), '${wholeNumber}'))` },
  );
}

/** The first value tells: a column is read by one format. */
async function yearBehind(tables: Tables, { columns, asText }: GuessedRows): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const { name, type } of columns) {
    if (type !== 'DATE' && type !== 'TIMESTAMP') continue;
    const value = identifier(name);
    const [first] = await tables.all(
      `SELECT regexp_matches(${value}, ${literal(yearFirst)}) AS plain FROM ${asText([name])} WHERE trim(${value}) <> '' LIMIT 1`,
    );
    if (first?.['plain'] === false) kept.push(name);
  }
  return kept;
}

/** The columns for which an aggregate over their values is true, in one scan. */
async function whereTrue(
  tables: Tables,
  columns: readonly GuessedColumn[],
  about: { readonly relation: string; readonly holds: (value: string) => string },
): Promise<readonly string[]> {
  if (columns.length === 0) return [];
  const aggregates = columns.map(({ name }, place) => `${about.holds(identifier(name))} AS c${place}`);
  const [row = {} as TableRow] = await tables.all(`SELECT ${aggregates.join(', ')} FROM ${about.relation}`);
  return columns.flatMap(({ name }, place) => (row[`c${place}`] === true ? [name] : []));
}
