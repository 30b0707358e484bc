import { CodedError } from '../../domain/errors.ts';
import type { FeatureNames } from '../../domain/features.ts';
import type { Tables } from '../../stores/tables.ts';
import { countRows, type LabelledRowsQuery, readFeatureNames, readLabelledRows } from '../labelled-rows.ts';
import { createValueCounter, toVocabulary, type ValueCounter } from './vocabulary.ts';

/**
 * All training rows as typed arrays, row-major: `numbers` [rows, names.numbers.length] as the features gave them, `codes`
 * [rows, names.categories.length], 0 for a value outside the vocabulary, else its place plus 1.
 */
export type TrainingTable = {
  readonly names: FeatureNames;
  readonly rows: number;
  readonly skipped: number;
  readonly numbers: Float32Array;
  readonly codes: Int32Array;
  readonly labels: Uint8Array;
  readonly vocabularies: readonly (readonly string[])[];
};

/**
 * Reads the training rows. Half a million rows of five features take some 12 MB.
 *
 * @throws CodedError INPUT_INVALID when no row is left or all labels are equal; those of `readLabelledRows`.
 */
export async function readTrainingTable(tables: Tables, query: LabelledRowsQuery): Promise<TrainingTable> {
  const selected = await countRows(tables, query);
  const names = await readFeatureNames(tables, query);
  if (names === null) throw noRows(query, selected);
  const numbers = new Float32Array(selected * names.numbers.length);
  const codes = new Int32Array(selected * names.categories.length);
  const labels = new Uint8Array(selected);
  const counters = names.categories.map(createValueCounter);
  let rows = 0;
  for await (const chunk of readLabelledRows(tables, query, names)) {
    numbers.set(chunk.rows.numbers, rows * names.numbers.length);
    codes.set(codesOf(counters, chunk.rows.categories), rows * names.categories.length);
    labels.set(chunk.labels, rows);
    rows += chunk.rows.rows;
  }
  const used = labels.subarray(0, rows);
  requireBothLabels(query, used);
  return {
    names,
    rows,
    skipped: selected - rows,
    numbers: numbers.subarray(0, rows * names.numbers.length),
    labels: used,
    ...placed(codes.subarray(0, rows * names.categories.length), counters),
  };
}

/** How often each code of a category feature occurs; the first is that of values outside the vocabulary. */
export function codeCounts(table: TrainingTable, column: number): readonly number[] {
  const width = table.vocabularies.length;
  const counts = Array.from({ length: (table.vocabularies[column]?.length ?? 0) + 1 }, () => 0);
  for (let row = 0; row < table.rows; row += 1) {
    const code = table.codes[row * width + column] ?? 0;
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

function codesOf(counters: readonly ValueCounter[], values: readonly string[]): Int32Array {
  return Int32Array.from(values, (value, index) => counters[index % counters.length]?.codeOf(value) ?? 0);
}

/** Replaces the codes of the counters by places in the vocabularies, in place. */
function placed(codes: Int32Array, counters: readonly ValueCounter[]): Pick<TrainingTable, 'codes' | 'vocabularies'> {
  const vocabularies = counters.map(toVocabulary);
  codes.forEach((code, index) => {
    codes[index] = vocabularies[index % vocabularies.length]?.places[code] ?? 0;
  });
  return { codes, vocabularies: vocabularies.map(({ values }) => values) };
}

function requireBothLabels(query: LabelledRowsQuery, labels: Uint8Array): void {
  if (labels.includes(0) && labels.includes(1)) return;
  throw new CodedError(
    'INPUT_INVALID',
    `Target '${query.target.name}' (${query.target.sql}) is ${labels[0] === 1 ? 'true' : 'false'} in all ${labels.length} rows: there is nothing to learn. Correct the target or take other data.`,
  );
}

function noRows(query: LabelledRowsQuery, selected: number): CodedError {
  const reason =
    selected === 0
      ? `none of their rows fulfils '${query.where}'`
      : `each of the ${selected} rows lacks its label or a field of the record (${Object.keys(query.features.record).join(', ')})`;
  return new CodedError(
    'INPUT_INVALID',
    `There is no row to train on in ${query.parquetFiles.length} data file(s): ${reason}. Correct the slice or the data.`,
  );
}
