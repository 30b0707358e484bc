import { identifier, literal, pathLiteral, type Tables } from '../tables.ts';
import { dialectSql, firstPlace, type TextFile } from './dialect.ts';
import { jsonRelation, type JsonRelation } from './json-relation.ts';
import { type GuessedColumn, keptText } from './kept-text.ts';
import { headerNames } from './raw-lines.ts';

/** How a value that says its zone ends. */
const zoneEnd = String.raw`(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)\s*$`;
/** A moment in ISO 8601 with its zone. */
const zonedMoment = String.raw`^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s*(Z|[+-]\d{2}(:?\d{2})?)$`;

/** The same without. */
const plainMoment = String.raw`^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?$`;

/**
 * The SELECT that gives a text file's rows in their order. `sample_size = -1`: a column's type comes from all rows, else it would depend on
 * where in the file an odd value stands.
 *
 * @throws Error saying the place for a file that cannot be read as what it says it is: doubled or missing column names, no rows, moments
 * with and without zone in one column; whatever DuckDB says.
 */
export async function textSelect(tables: Tables, file: TextFile): Promise<string> {
  return file.format === 'jsonl' ? jsonSelect(tables, file) : csvSelect(tables, file);
}

async function csvSelect(tables: Tables, file: TextFile): Promise<string> {
  const names = file.dialect?.columns ?? null;
  const header = names === null ? 'header = true' : `header = false, names = [${names.map(literal).join(', ')}]`;
  const relation = `read_csv(${pathLiteral(file.path)}, ${dialectSql(file)}, ${header}, sample_size = -1)`;
  if (names === null) await requireOwnNames(tables, file);
  const columns = await described(tables, relation);
  if (names !== null && columns.length !== names.length)
    throw new Error(`it has ${columns.length} columns, and ${names.length} were named: ${names.join(', ')}`);
  await requireRows(tables, relation, file);
  const zoned = columns.filter(({ type }) => type.startsWith('TIMESTAMP WITH'));
  const asText = `read_csv(${pathLiteral(file.path)}, ${dialectSql(file)}, ${header}, all_varchar = true)`;
  if (zoned.length > 0) await requireZones(tables, asText, zoned);
  const kept = await keptText(tables, { columns, typed: relation, asText: () => asText });
  if (kept.length === 0) return `SELECT * FROM ${relation}`;
  const types = kept.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  return `SELECT * FROM read_csv(${pathLiteral(file.path)}, ${dialectSql(file)}, ${header}, sample_size = -1, types = {${types}})`;
}

/** DuckDB would call the second `a` of two `a_1`. */
async function requireOwnNames(tables: Tables, file: TextFile): Promise<void> {
  const names = await headerNames(tables, file);
  const twice = names.find((name, place) => name !== '' && firstPlace(names, name) !== place);
  if (twice === undefined) return;
  throw new Error(`line 1 names the column '${twice}' twice (names are compared without regard to case)`);
}

/** Without a row nothing tells the columns' types: as text they would turn the other files' numbers into text. */
async function requireRows(tables: Tables, relation: string, file: TextFile): Promise<void> {
  if ((await tables.all(`SELECT 1 FROM ${relation} LIMIT 1`)).length > 0) return;
  throw new Error(`it holds no rows when read as ${file.dialect?.encoding ?? 'utf-8'}`);
}

/** DuckDB takes a moment without zone among others for UTC and says nothing. */
async function requireZones(tables: Tables, relation: string, columns: readonly GuessedColumn[]): Promise<void> {
  for (const { name } of columns) {
    const value = identifier(name);
    const [row] = await tables.all(
      `SELECT n, v FROM (SELECT row_number() OVER () AS n, ${value} AS v FROM ${relation})
       WHERE v IS NOT NULL AND v <> '' AND NOT regexp_matches(v, ${literal(zoneEnd)}) ORDER BY n LIMIT 1`,
    );
    if (row === undefined) continue;
    throw new Error(
      `column '${name}' has '${String(row['v'])}' without a time zone in row ${String(row['n'])}, beside values that have one`,
    );
  }
}

async function jsonSelect(tables: Tables, file: TextFile): Promise<string> {
  const { sql, columns, asText } = await jsonRelation(tables, file);
  await requireRows(tables, sql, { ...file, dialect: null });
  const zoned = await zonedColumns(tables, { asText, columns });
  const whole = await wholeColumns(tables, sql, columns);
  const cast = (type: string) => (name: string) => `CAST(${identifier(name)} AS ${type}) AS ${identifier(name)}`;
  const casts = [...zoned.map(cast('TIMESTAMPTZ')), ...whole.map(cast('BIGINT'))];
  return `SELECT *${casts.length === 0 ? '' : ` REPLACE (${casts.join(', ')})`} FROM ${sql}`;
}

/** DuckDB reads `…Z` as a TIMESTAMP and `…+02:00` as text: whether all values have a zone is asked of the text. */
async function zonedColumns(
  tables: Tables,
  { asText, columns }: Pick<JsonRelation, 'asText' | 'columns'>,
): Promise<readonly string[]> {
  const candidates = columns.filter(({ type }) => type === 'TIMESTAMP' || type === 'VARCHAR');
  if (candidates.length === 0) return [];
  const counts = candidates.flatMap(({ name }, place) => [
    `count(${identifier(name)}) AS ${identifier(`n${place}`)}`,
    `count_if(regexp_matches(${identifier(name)}, ${literal(zonedMoment)})) AS ${identifier(`zoned${place}`)}`,
    `count_if(regexp_matches(${identifier(name)}, ${literal(plainMoment)})) AS ${identifier(`plain${place}`)}`,
  ]);
  const relation = asText(candidates.map(({ name }) => name));
  const [row = {}] = await tables.all(`SELECT ${counts.join(', ')} FROM ${relation}`);
  const zoned: string[] = [];
  for (const [place, { name }] of candidates.entries()) {
    const [all, having, lacking] = ['n', 'zoned', 'plain'].map((what) => Number(row[`${what}${place}`]));
    if (having === all && all !== 0) zoned.push(name);
    else if (having !== 0 && lacking !== 0 && Number(having) + Number(lacking) === all)
      await requireZones(tables, relation, [{ name, type: 'VARCHAR' }]);
  }
  return zoned;
}

/** DuckDB reads whole numbers of both signs as HUGEINT, which Parquet has only as DOUBLE: which of them are integers as in CSV. */
async function wholeColumns(
  tables: Tables,
  relation: string,
  columns: readonly GuessedColumn[],
): Promise<readonly string[]> {
  const huge = columns.filter(({ type }) => type === 'HUGEINT');
  if (huge.length === 0) return [];
  const fits = huge.map(({ name }, place) => {
    const value = identifier(name);
    return `bool_and(TRY_CAST(${value} AS BIGINT) IS NOT NULL OR ${value} IS NULL) AS ${identifier(`fits${place}`)}`;
  });
  const [row = {}] = await tables.all(`SELECT ${fits.join(', ')} FROM ${relation}`);
  return huge.filter((_, place) => row[`fits${place}`] === true).map(({ name }) => name);
}

async function described(tables: Tables, relation: string): Promise<readonly GuessedColumn[]> {
  const rows = await tables.all(`DESCRIBE SELECT * FROM ${relation}`);
  return rows.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }));
}
