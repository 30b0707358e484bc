import type { Expectation } from '../domain/expectation.ts';
import type { ColumnStatistics, SnapshotStatistics } from '../domain/column-statistics.ts';

/** What an inferred schema is written from; `source` says from what it was inferred, for a person. */
export type SchemaSource = {
  readonly dataset: string;
  readonly source: string;
  readonly statistics: SnapshotStatistics;
  readonly expectations: readonly Expectation[];
};

const widest = 110;

/**
 * A TypeScript file that exports the expectations as `schema`, as a person would write it: calls of perdura/expect, a column's together.
 * What was seen and cannot be an expectation stands beside it as a comment. Names and values of the data are nothing but text in it.
 */
export function schemaText({ dataset, source, statistics, expectations }: SchemaSource): string {
  const calls = expectations.map(callOf);
  const imported = [...new Set(calls.map(({ name }) => name))].toSorted();
  const columns = Object.entries(statistics.columns);
  const body = [
    ...calls.filter(({ column }) => column === null),
    ...columns.flatMap(([name, column]) => [
      ...remarks(name, column, statistics.rows),
      ...calls.filter((call) => call.column === name),
    ]),
  ].map((item) => (typeof item === 'string' ? `    // ${item}` : item.text));
  return `import { ${imported.join(', ')} } from 'perdura/expect';
import type { DataSchema } from 'perdura/steps';

// Inferred from ${oneLine(source)}: ${count(statistics.rows)} rows, ${count(columns.length)} columns.
// A proposal: read it, correct it, and it is yours.
export const schema: DataSchema = {
  dataset: ${quoted(dataset)},
  expectations: [
${body.join('\n')}
  ],
};
`;
}

type Call = { readonly name: string; readonly column: string | null; readonly text: string };

/** Which of an expectation's fields its function takes one by one, for the kinds that are inferred; the others are its options. */
const positional: Partial<Record<Expectation['kind'], readonly string[]>> = {
  type: ['column', 'type'],
  notNull: ['column'],
  between: ['column'],
  oneOf: ['column', 'values'],
  quantileBetween: ['column', 'quantile'],
  unique: ['columns'],
  onlyColumns: ['columns'],
  rowCount: [],
};

function callOf(expectation: Expectation): Call {
  const { kind, ...fields } = expectation;
  const names = positional[kind];
  if (names === undefined) throw new Error(`An expectation of kind ${kind} is not inferred.`);
  const values = new Map<string, unknown>(Object.entries(fields));
  const options = Object.fromEntries([...values].filter(([field]) => !names.includes(field)));
  const passed = [...names.map((field) => values.get(field)), ...(Object.keys(options).length === 0 ? [] : [options])];
  const column = kind === 'unique' ? expectation.columns[0] : values.get('column');
  return { name: kind, column: typeof column === 'string' ? column : null, text: callText(kind, passed) };
}

function callText(name: string, values: readonly unknown[]): string {
  const short = `    ${name}(${values.map(written).join(', ')}),`;
  if (short.length <= widest) return short;
  const long = values.map((value) => (Array.isArray(value) ? `[\n${wrapped(value)}\n    ]` : written(value)));
  return `    ${name}(${long.join(', ')}),`;
}

function remarks(name: string, column: ColumnStatistics, rows: number): readonly string[] {
  if (rows > 0 && column.missing >= rows) return [`${quoted(name)} has no value in any row.`];
  if (column.missing === 0) return [];
  const share = ((100 * column.missing) / rows).toPrecision(3);
  return [`${quoted(name)} has no value in ${count(column.missing)} rows (${Number(share)} %).`];
}

function written(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(written).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([key, field]) => `${key}: ${written(field)}`)
    .join(', ')} }`;
}

function wrapped(values: readonly unknown[]): string {
  const lines: string[] = [];
  let line = '     ';
  for (const value of values.map(written)) {
    if (line.length + value.length + 2 > widest && line.trim() !== '') {
      lines.push(line);
      line = '     ';
    }
    line += ` ${value},`;
  }
  return [...lines, line].join('\n');
}

/** A string literal without a character that could end it, its line or a comment. */
export function quoted(text: string): string {
  const inner = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll("'", "\\'")
    .replace(
      /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  return `'${inner}'`;
}

function oneLine(text: string): string {
  return quoted(text).slice(1, -1);
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
