import { setImmediate } from 'node:timers/promises';
import { CodedError } from '../../domain/errors.ts';
import type { EncodedRows } from '../../domain/features.ts';
import type { DenseModel } from '../dense-model.ts';
import { openOnnxSession } from '../onnx-session.ts';
import { predictRows } from './predict.ts';
import type { TrainingTable } from './training-table.ts';

/** Two libraries round sums differently; a probability may differ by this much, far below what a decision or a metric shows. */
const tolerance = 1e-4;
const sampleRows = 50_000;
const batchRows = 2_048;

/**
 * Runs the exported file in ONNX Runtime on training rows, all of them or 50,000 evenly spaced ones, holds each probability against
 * the trainer's own, and returns them.
 *
 * @throws CodedError MODEL_INVALID when one differs by more than 1e-4: such a file is not what was trained.
 */
export async function exportedPredictions(
  file: Uint8Array,
  model: DenseModel,
  table: TrainingTable,
): Promise<Float32Array> {
  const sample = evenlySpaced(table.rows);
  const predictions = new Float32Array(sample.length);
  const session = await openOnnxSession(file, model.names);
  try {
    for (let start = 0; start < sample.length; start += batchRows) {
      const rows = sample.subarray(start, start + batchRows);
      const exported = await session.predict(toEncodedRows(model, table, rows));
      requireEqual(exported, predictRows(model, table, rows));
      predictions.set(exported, start);
      await setImmediate();
    }
  } finally {
    await session.close();
  }
  return predictions;
}

function evenlySpaced(rows: number): Uint32Array {
  const length = Math.min(rows, sampleRows);
  return Uint32Array.from({ length }, (_, index) => Math.floor((index * rows) / length));
}

function requireEqual(exported: Float32Array, own: Float32Array): void {
  const unlike = exported.findIndex((probability, row) => !(Math.abs(probability - (own[row] ?? NaN)) <= tolerance));
  if (unlike < 0) return;
  throw new CodedError(
    'MODEL_INVALID',
    `The exported model gives ${exported[unlike]} where the trainer gives ${own[unlike]}; the two may differ by ${tolerance}. Nothing was kept: report it with the pipeline's trainer settings.`,
  );
}

/** Turns codes back into the strings that clients send. */
function toEncodedRows(model: DenseModel, table: TrainingTable, rows: Uint32Array): EncodedRows {
  const width = model.names.numbers.length;
  const numbers = new Float32Array(rows.length * width);
  const categories: string[] = [];
  const unseen = model.vocabularies.map(unseenValue);
  rows.forEach((row, index) => {
    numbers.set(table.numbers.subarray(row * width, (row + 1) * width), index * width);
    model.vocabularies.forEach((values, column) => {
      const code = table.codes[row * model.vocabularies.length + column] ?? 0;
      categories.push((code === 0 ? undefined : values[code - 1]) ?? unseen[column] ?? '');
    });
  });
  return { rows: rows.length, numbers, categories };
}

/** Any text that the vocabulary lacks stands for the rare values that it left out. */
function unseenValue(vocabulary: readonly string[]): string {
  let text = 'unseen';
  while (vocabulary.includes(text)) text += '?';
  return text;
}
