import { setImmediate } from 'node:timers/promises';
import type { EncodedRows } from '../../domain/features.ts';
import { outputOf, type Signature } from '../../domain/model-package.ts';
import { requireSamePredictions } from '../check-export.ts';
import type { DenseModel } from '../dense-model.ts';
import { openOnnxSession } from '../onnx-session.ts';
import { predictRows } from './predict.ts';
import type { TrainingTable } from '../training-table.ts';

/**
 * Two libraries round sums differently; a probability may differ by this much, far below what a decision or a metric shows, and a
 * number by this share of the largest one.
 */
const tolerance = 1e-4;
const sampleRows = 50_000;
const batchRows = 2_048;

/** The model before it was exported, the rows it learned from, and what its file must be like. */
export type ExportParts = {
  readonly model: DenseModel;
  readonly table: TrainingTable;
  readonly signature: Pick<Signature, 'numbers' | 'categories' | 'target' | 'classes'>;
};

/**
 * Runs the exported file in ONNX Runtime on training rows, all of them or 50,000 evenly spaced ones, holds each answer against
 * the trainer's own, and returns them, row-major [rows, width].
 *
 * @throws CodedError MODEL_INVALID when one differs by more than the tolerance: such a file is not what was trained.
 */
export async function exportedPredictions(
  file: Uint8Array,
  { model, table, signature }: ExportParts,
): Promise<Float32Array> {
  const sample = evenlySpaced(table.rows);
  const { width } = outputOf(signature);
  const predictions = new Float32Array(sample.length * width);
  const own = new Float32Array(sample.length * width);
  const session = await openOnnxSession(file, signature);
  try {
    for (let start = 0; start < sample.length; start += batchRows) {
      const rows = sample.subarray(start, start + batchRows);
      predictions.set(await session.predict(toEncodedRows(model, table, rows)), start * width);
      own.set(predictRows(model, table, rows), start * width);
      await setImmediate();
    }
  } finally {
    await session.close();
  }
  requireSamePredictions(predictions, own, toleranceOf(model, own), width);
  return predictions;
}

function toleranceOf({ output }: DenseModel, own: Float32Array): number {
  if (output.task !== 'regression') return tolerance;
  return tolerance * own.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function evenlySpaced(rows: number): Uint32Array {
  const length = Math.min(rows, sampleRows);
  return Uint32Array.from({ length }, (_, index) => Math.floor((index * rows) / length));
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
