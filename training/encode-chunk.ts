import type { PastValues } from '../domain/aggregate.ts';
import {
  type EncodedRows,
  encodeRows,
  type FeatureModule,
  type FeatureNames,
  type FeatureRow,
  fieldType,
  type RawRecord,
} from '../domain/features.ts';
import { applyFeatures } from './apply-features.ts';
import { passedColumns } from './program/passed-columns.ts';
import { pastNames } from './record-columns.ts';

/** Values by column and row: the record's fields, then the aggregates. */
export type Columns = readonly (readonly unknown[])[];

/** Makes tensors of the named rows of a chunk. */
export type ChunkEncoder = (columns: Columns, rows: readonly number[]) => EncodedRows;

/** The rows that have a label, and no field missing that may not be. */
export function usableRows(features: FeatureModule, labels: readonly unknown[], columns: Columns): readonly number[] {
  const usable = new Uint8Array(labels.length);
  for (let row = 0; row < labels.length; row += 1) usable[row] = (labels[row] ?? null) === null ? 0 : 1;
  for (const [index, field] of Object.values(features.record).entries())
    clearMissing(usable, columns[index] ?? [], fieldType(field).optional);
  const rows: number[] = [];
  for (let row = 0; row < usable.length; row += 1) if (usable[row] === 1) rows.push(row);
  return rows;
}

/**
 * Lays chunks out as the features that are named. Where the feature function only names fields of its record, the columns are copied, which
 * is several times faster than a call a row; the result is the same.
 *
 * @throws CodedError FEATURES_INVALID as `encodeRows` and `applyFeatures` do.
 */
export function chunkEncoder(features: FeatureModule, names: FeatureNames): ChunkEncoder {
  const passed = passedPlaces(features, names);
  return (columns, rows) => {
    const copied = passed === null ? null : copyColumns(passed, columns, rows);
    if (copied !== null) return copied;
    return encodeRows(names, featureRows(features, columns, rows));
  };
}

/** What the feature function makes of the named rows. */
export function featureRows(features: FeatureModule, columns: Columns, rows: readonly number[]): readonly FeatureRow[] {
  const fields = Object.keys(features.record);
  const past = pastNames(features);
  const pastColumns = columns.slice(fields.length);
  return rows.map((row) => applyFeatures(features, recordAt(fields, columns, row), pastAt(past, pastColumns, row)));
}

function clearMissing(usable: Uint8Array, values: readonly unknown[], optional: boolean): void {
  for (let row = 0; row < usable.length; row += 1) {
    const value = values[row] ?? null;
    if (value === null ? !optional : typeof value === 'number' && !Number.isFinite(value)) usable[row] = 0;
  }
}

type Places = { readonly numbers: readonly number[]; readonly categories: readonly number[] };

/** Which column each feature is; null where features are computed, or are not those that are named. */
function passedPlaces(features: FeatureModule, names: FeatureNames): Places | null {
  const passed = passedColumns(features);
  if (passed === null || passed.size !== names.numbers.length + names.categories.length) return null;
  const fields = Object.keys(features.record);
  const placesOf = (wanted: readonly string[]) => wanted.map((name) => fields.indexOf(passed.get(name) ?? ''));
  const places = { numbers: placesOf(names.numbers), categories: placesOf(names.categories) };
  return [...places.numbers, ...places.categories].includes(-1) ? null : places;
}

/** Null where a value is not of its feature's kind: what that means is said where features are computed. */
function copyColumns(places: Places, columns: Columns, rows: readonly number[]): EncodedRows | null {
  const width = places.numbers.length;
  const numbers = new Float32Array(rows.length * width);
  for (let place = 0; place < width; place += 1) {
    const values = columns[places.numbers[place] ?? 0] ?? [];
    for (let index = 0, next = place; index < rows.length; index += 1, next += width) {
      const value = values[rows[index] ?? 0];
      if (typeof value !== 'number') return null;
      numbers[next] = value;
      if (!Number.isFinite(numbers[next])) return null;
    }
  }
  const texts = places.categories.map((place) => columns[place] ?? []);
  const categories: string[] = [];
  for (const row of rows)
    for (const values of texts) {
      const value = values[row];
      if (typeof value !== 'string') return null;
      categories.push(value);
    }
  return { rows: rows.length, numbers, categories };
}

function recordAt(fields: readonly string[], columns: Columns, row: number): RawRecord {
  const record: Record<string, number | string | boolean | null> = {};
  for (let index = 0; index < fields.length; index += 1) {
    const value = columns[index]?.[row];
    record[fields[index] ?? ''] =
      typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? value : null;
  }
  return record;
}

function pastAt(names: readonly string[], columns: Columns, row: number): PastValues {
  const past: Record<string, number | null> = {};
  for (let index = 0; index < names.length; index += 1) {
    const value = columns[index]?.[row];
    past[names[index] ?? ''] = typeof value === 'number' ? value : null;
  }
  return past;
}
