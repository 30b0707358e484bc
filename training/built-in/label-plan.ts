import { CodedError } from '../../domain/errors.ts';
import type { DenseTrainer } from '../../domain/trainer.ts';
import type { DenseOutput } from '../dense-model.ts';
import type { TrainingTable } from '../training-table.ts';

/** How labels are learned: what comes out, how many values a row, and how much a row of each class counts. */
export type LabelPlan = {
  readonly output: DenseOutput;
  readonly outputs: number;
  /** A label as the network learns it. */
  readonly scaled: (label: number) => number;
  /** By the place of the class (binary: false, true); null: all rows count the same. */
  readonly classWeights: Float32Array | null;
};

/**
 * Plans the labels by the rows that are learned from: a number is learned as its distance from their mean in their deviations.
 *
 * @throws CodedError INPUT_INVALID when class weights do not fit the classes, or numbers do not fit 32 bits.
 */
export function planLabels(table: TrainingTable, trainer: DenseTrainer, rows: Uint32Array): LabelPlan {
  const { task } = table;
  const classWeights = weightsByClass(table, trainer, rows);
  switch (task) {
    case 'binary':
      return { output: { task }, outputs: 1, scaled: (label) => label, classWeights };
    case 'multiclass':
      return { output: { task }, outputs: table.classes?.length ?? 0, scaled: (label) => label, classWeights };
    case 'regression': {
      const { mean, deviation } = scaleOf(table, rows);
      const scaled = (label: number) => (label - mean) / deviation;
      return { output: { task, mean, deviation }, outputs: 1, scaled, classWeights };
    }
    default:
      return task satisfies never;
  }
}

/** Mean and population deviation of the labels, summed in double precision in row order. */
function scaleOf(table: TrainingTable, rows: Uint32Array): { readonly mean: number; readonly deviation: number } {
  let sum = 0;
  for (const row of rows) sum += table.labels[row] ?? 0;
  const centre = sum / rows.length;
  let squares = 0;
  for (const row of rows) squares += ((table.labels[row] ?? 0) - centre) ** 2;
  const mean = Math.fround(centre);
  const deviation = Math.fround(Math.sqrt(squares / rows.length));
  if (!(deviation > 0) || !Number.isFinite(deviation) || !Number.isFinite(mean))
    throw new CodedError(
      'INPUT_INVALID',
      `The target's values, with mean ${centre} and deviation ${Math.sqrt(squares / rows.length)}, cannot be told apart in 32 bits. Scale the target, or take other data.`,
    );
  return { mean, deviation };
}

function weightsByClass(table: TrainingTable, trainer: DenseTrainer, rows: Uint32Array): Float32Array | null {
  const { classWeights } = trainer;
  if (classWeights === undefined) return null;
  const classes = table.task === 'binary' ? ['false', 'true'] : table.classes;
  if (classes === null)
    throw new CodedError(
      'INPUT_INVALID',
      'classWeights are for a target of classes, and this one is a number. Leave them out.',
    );
  if (classWeights === 'balanced') return balanced(table, classes, rows);
  const unknown = Object.keys(classWeights).find((name) => !classes.includes(name));
  if (unknown !== undefined)
    throw new CodedError(
      'INPUT_INVALID',
      `classWeights names '${unknown}', and the target's classes are ${classes.join(', ')}. Correct the name.`,
    );
  return Float32Array.from(classes, (name) => classWeights[name] ?? 1);
}

/** rows / (classes * rows of the class); a class without rows to learn from counts nothing. */
function balanced(table: TrainingTable, classes: readonly string[], rows: Uint32Array): Float32Array {
  const counts = classes.map(() => 0);
  for (const row of rows) {
    const place = table.labels[row] ?? 0;
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return Float32Array.from(counts, (count) => (count === 0 ? 0 : rows.length / (classes.length * count)));
}
