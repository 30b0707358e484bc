import type { Aggregates, PastValues } from './aggregate.ts';
import { CodedError } from './errors.ts';

/** What a value of a record can be, as a client sends it; timestamps travel as ISO 8601 (no zone means UTC). */
export type RecordType = 'number' | 'string' | 'timestamp' | 'boolean';

/** Type of a raw record's field. With a question mark it may be null or left out, and the feature function gets null. */
export type RecordField = RecordType | `${RecordType}?`;
export type RecordSchema = Readonly<Record<string, RecordField>>;

/** A raw record as a feature function gets it: timestamps are epoch milliseconds. */
export type RawRecord = Readonly<Record<string, number | string | boolean | null>>;

/** What a feature function returns: numbers are standardised in the model's graph, strings are categories. */
export type FeatureRow = Readonly<Record<string, number | string>>;

/** The exports of a pipeline's features.ts. Pure: one record in, features out; the same code in training and in the model server. */
export type FeatureModule = {
  readonly record: RecordSchema;
  /** `past` is empty where no aggregates are declared. */
  readonly features: (record: RawRecord, past: PastValues) => FeatureRow;
  readonly aggregates: Aggregates | null;
};

/** Which features a model takes, in the order of its input tensors. */
export type FeatureNames = { readonly numbers: readonly string[]; readonly categories: readonly string[] };

/** Tensors of `rows` rows, row-major: `numbers` [rows, names.numbers.length], `categories` [rows, names.categories.length]. */
export type EncodedRows = { readonly rows: number; readonly numbers: Float32Array; readonly categories: string[] };

const hasZone = /(?:z|[+-]\d\d:?\d\d)$/i;

/**
 * Turns a client's JSON record into what a feature function takes. Nothing is coerced: a null, a missing field or a number in
 * quotes is an error, because a silent 0 is how training and serving come to differ.
 *
 * @throws CodedError INPUT_INVALID naming the field.
 */
export function parseRecord(schema: RecordSchema, json: unknown): RawRecord {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new CodedError('INPUT_INVALID', 'A record must be a JSON object.');
  const given = new Map<string, unknown>(Object.entries(json));
  return Object.fromEntries(
    Object.entries(schema).map(([name, field]) => {
      const { type, optional } = fieldType(field);
      const value = given.get(name) ?? null;
      return [name, value === null && optional ? null : parseField(name, type, given.get(name))];
    }),
  );
}

/** A field's type, and whether it may be null or left out. */
export function fieldType(field: RecordField): { readonly type: RecordType; readonly optional: boolean } {
  const optional = field.endsWith('?');
  return { type: (optional ? field.slice(0, -1) : field) as RecordType, optional };
}

/** The names and kinds of one example's features, each list sorted by name. */
export function featureNames(example: FeatureRow): FeatureNames {
  const names = Object.keys(example).toSorted();
  return {
    numbers: names.filter((name) => typeof example[name] === 'number'),
    categories: names.filter((name) => typeof example[name] === 'string'),
  };
}

/**
 * Lays feature rows out as tensors.
 *
 * @throws CodedError FEATURES_INVALID when a row lacks a feature, has one of another kind, or a number is not finite.
 */
export function encodeRows(names: FeatureNames, rows: readonly FeatureRow[]): EncodedRows {
  const numbers = new Float32Array(rows.length * names.numbers.length);
  const categories: string[] = [];
  let next = 0;
  for (const row of rows) {
    for (const name of names.numbers) {
      const value = row[name];
      if (typeof value !== 'number') throw unlike(name, 'a finite number', value);
      numbers[next] = value;
      // Larger ones than FP32 holds have become infinite here.
      if (!Number.isFinite(numbers[next])) throw unlike(name, 'a finite FP32', value);
      next += 1;
    }
    for (const name of names.categories) {
      const value = row[name];
      if (typeof value !== 'string') throw unlike(name, 'a string', value);
      categories.push(value);
    }
  }
  return { rows: rows.length, numbers, categories };
}

function parseField(name: string, type: RecordType, value: unknown): number | string | boolean {
  switch (type) {
    case 'number':
      if (typeof value === 'number' && Number.isFinite(value)) return value;
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'string':
      if (typeof value === 'string') return value;
      break;
    case 'timestamp': {
      const time =
        typeof value === 'string'
          ? Date.parse(hasZone.test(value) ? value : `${value.replace(' ', 'T')}Z`)
          : Number.NaN;
      if (Number.isFinite(time)) return time;
      break;
    }
    default:
      return type satisfies never;
  }
  throw new CodedError(
    'INPUT_INVALID',
    `Field '${name}' must be a ${type}, got ${JSON.stringify(value) ?? 'nothing'}.`,
    { details: { field: name } },
  );
}

function unlike(name: string, wanted: string, value: unknown): CodedError {
  return new CodedError(
    'FEATURES_INVALID',
    `Feature '${name}' must be ${wanted}, got ${String(value)}. Correct the pipeline's features.ts.`,
  );
}
