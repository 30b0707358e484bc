import type { Column } from '../../domain/snapshot.ts';
import type { Task } from '../../domain/target.ts';
import { identifier, literal } from '../../stores/tables.ts';
import { usageError } from '../errors.ts';
import { columnFacts, type ColumnFacts, type NumberFacts, valueSql } from './column-facts.ts';
import type { Learned } from './plan.ts';
import type { Source } from './source.ts';
import { camelCase, counted } from './words.ts';

type Value = { readonly text: string; readonly rows: number };

/** So many different whole numbers at most are taken for classes, such as stars from 1 to 5. */
const mostWholeClasses = 10;
const mostClasses = 50;

/** Of two values the one that a person means by "yes". */
const affirmative = /^(?:1|1\.0|yes|y|true|t|on|positive|pos)$/i;
/** Text that stands for "not known". */
const unknown = /^(?:|na|n\/a|nan|null|none|\?|-|\.)$/i;

/**
 * What is learned: two values are `binary`, text or few whole numbers `multiclass`, any other number is `regression`. `task` overrides it.
 *
 * @throws CodedError INPUT_INVALID (wrong usage) where nothing can be learned of the column, or not by that task.
 */
export async function chooseTarget(source: Source, column: Column, task: Task | null): Promise<Learned> {
  const facts = await columnFacts(source, column);
  const values = await valuesOf(source, column);
  const known = values.filter(({ text }) => column.type !== 'string' || !unknown.test(text.trim()));
  refuseHopeless(column, known);
  const found = task ?? inferTask(facts, known);
  const numeric = facts.numbers !== null && column.type !== 'timestamp' && column.type !== 'boolean';
  switch (found) {
    case 'binary':
      return binary(source, { column, known, asked: task !== null });
    case 'multiclass':
      return multiclass(source, { column, values, known, asked: task !== null });
    case 'regression': {
      if (!numeric) throw unlike(column, 'regression', 'its values are no numbers');
      refuseScale(column, facts.numbers);
      const name = await columnName(source, column);
      const sql = column.type === 'string' ? `TRY_CAST(trim(${name}) AS DOUBLE)` : name;
      const why = `${asked(task)}it is a number with ${counted(facts.numbers.distinct, 'different value')}`;
      return { column: column.name, name: camelCase(column.name), task: found, sql, why };
    }
    default:
      return found satisfies never;
  }
}

const asked = (task: Task | null): string => (task === null ? '' : 'as you said; ');

/** Up to one more than the most classes, the most frequent first. */
async function valuesOf({ tables, relation }: Source, column: Column): Promise<readonly Value[]> {
  const value = valueSql(column);
  const rows = await tables.all(
    `SELECT CAST(${value} AS VARCHAR) AS text, count(*) AS n FROM ${relation} WHERE ${value} IS NOT NULL
     GROUP BY text ORDER BY n DESC, text LIMIT ${mostClasses + 4}`,
  );
  return rows.map(({ text, n }) => ({ text: String(text), rows: Number(n) }));
}

function refuseHopeless({ name, type }: Column, known: readonly Value[]): void {
  if (type === 'other' || type === 'timestamp')
    throw usageError(
      'INPUT_INVALID',
      `Nothing can be learned of '${name}': it holds ${type === 'other' ? 'lists or structures' : 'times'}. Name a column of numbers, text or true and false with --target.`,
    );
  const [only] = known;
  if (known.length >= 2) return;
  const what = only === undefined ? 'no value in any row' : `the value '${only.text}' in each row`;
  throw usageError('INPUT_INVALID', `Nothing can be learned of '${name}': it has ${what}. Name another with --target.`);
}

function inferTask({ column, numbers }: ColumnFacts, known: readonly Value[]): Task {
  if (known.length === 2) return 'binary';
  if (numbers === null) return 'multiclass';
  const whole = column.type !== 'string' && numbers.whole;
  return whole && known.length <= mostWholeClasses ? 'multiclass' : 'regression';
}

/** Errors are squared, and a model's numbers have 32 bits. */
function refuseScale({ name }: Column, { min, max }: NumberFacts): void {
  const largest = Math.max(Math.abs(min), Math.abs(max));
  const problem =
    largest > 1e30
      ? `reaches ${largest}, more than a model can hold`
      : max - min < 1e-30
        ? `differs by no more than ${max - min}, less than a model can tell apart`
        : null;
  if (problem !== null)
    throw usageError('INPUT_INVALID', `Nothing can be learned of '${name}': it ${problem}. Write it in another unit.`);
}

type Classes = { readonly column: Column; readonly known: readonly Value[]; readonly asked: boolean };

async function binary(source: Source, { column, known, asked: said }: Classes): Promise<Learned> {
  const [one, other] = known;
  if (one === undefined || other === undefined || known.length > 2)
    throw unlike(column, 'binary', `it has ${counted(known.length, 'value')}`);
  // Otherwise the rarer one: what is looked for is seldom the rule.
  const positive = [one, other].find(({ text }) => affirmative.test(text.trim())) ?? other;
  const negative = positive === one ? other : one;
  const name = camelCase(column.name);
  const plainly = column.type === 'boolean' || affirmative.test(positive.text.trim());
  const why = `${said ? 'as you said; ' : ''}it has two values, '${positive.text}' in ${counted(positive.rows, 'row')} and '${negative.text}' in ${counted(negative.rows, 'row')}; learned is '${positive.text}'`;
  return {
    column: column.name,
    name: plainly ? name : camelCase(`${column.name} is ${positive.text}`),
    task: 'binary',
    sql: await comparison(source, column, { positive, negative }),
    why,
  };
}

/** A third text, such as `NA`, is neither: its rows are left out. */
async function comparison(
  source: Source,
  column: Column,
  { positive, negative }: { readonly positive: Value; readonly negative: Value },
): Promise<string> {
  const name = await columnName(source, column);
  switch (column.type) {
    case 'boolean':
      return positive.text === 'true' ? name : `NOT ${name}`;
    case 'integer':
    case 'number':
      return `${name} = ${positive.text}`;
    case 'string':
    case 'timestamp':
    case 'other': {
      const words = await valuesOf(source, column);
      const equals = `${name} = ${literal(positive.text)}`;
      if (words.length === 2) return equals;
      return `CASE WHEN ${name} IN (${literal(positive.text)}, ${literal(negative.text)}) THEN ${equals} END`;
    }
    default:
      return column.type satisfies never;
  }
}

async function multiclass(
  source: Source,
  { column, values, known, asked: said }: Classes & { readonly values: readonly Value[] },
): Promise<Learned> {
  if (known.length > mostClasses)
    throw unlike(
      column,
      'multiclass',
      `it has more than ${mostClasses} different values${column.type === 'string' ? ', which are perhaps names' : ''}`,
    );
  const name = await columnName(source, column);
  const lacking = values.filter((value) => !known.includes(value)).map(({ text }) => literal(text));
  const sql = lacking.length === 0 ? name : `CASE WHEN ${name} NOT IN (${lacking.join(', ')}) THEN ${name} END`;
  const kind = column.type === 'string' ? 'text' : 'a whole number';
  const why = `${said ? 'as you said; ' : ''}it is ${kind} with ${counted(known.length, 'different value')}`;
  return { column: column.name, name: camelCase(column.name), task: 'multiclass', sql, why };
}

/** The column in SQL; where some of its numbers are none, null stands for them: a comparison with them would say no. */
async function columnName(source: Source, column: Column): Promise<string> {
  const name = await writtenName(source, column);
  if (column.type !== 'number') return name;
  const odd = await source.tables.all(`SELECT 1 FROM ${source.relation} WHERE NOT isfinite(${name}) LIMIT 1`);
  return odd.length === 0 ? name : `CASE WHEN isfinite(${name}) THEN ${name} END`;
}

/** As a person writes it in SQL: quoted only where it must be. */
async function writtenName({ tables }: Source, { name }: Column): Promise<string> {
  if (!/^[a-z_]\w*$/i.test(name)) return identifier(name);
  const found = await tables.all(
    `SELECT 1 FROM duckdb_keywords() WHERE keyword_category = 'reserved' AND keyword_name = ${literal(name.toLowerCase())}`,
  );
  return found.length === 0 ? name : identifier(name);
}

function unlike({ name }: Column, task: Task, why: string): Error {
  return usageError(
    'INPUT_INVALID',
    `'${name}' cannot be learned as ${task}: ${why}. Choose another --task or --target.`,
  );
}

/** The label of a row as SQL: 1 or 0, the class as text, or the number; null where a row has none. */
export function labelSql({ task, sql }: Pick<Learned, 'task' | 'sql'>): string {
  switch (task) {
    case 'binary':
      return `CAST((${sql}) AS INTEGER)`;
    case 'multiclass':
      return `CAST((${sql}) AS VARCHAR)`;
    case 'regression':
      return `CAST((${sql}) AS DOUBLE)`;
    default:
      return task satisfies never;
  }
}
