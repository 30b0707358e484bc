import type { CategoryProfile, NumberProfile, TrainingProfile } from '../../domain/drift-report.ts';
import { codeCounts, type TrainingTable } from './training-table.ts';

/** So many bins of equal size, the default of the PSI literature. */
const bins = 10;

/** Counts the training rows for later comparison with live traffic. `predictions` may rest on a sample: its counts sum to the sample's size. */
export function trainingProfile(table: TrainingTable, predictions: Float32Array): TrainingProfile {
  const { numbers, categories } = table.names;
  const positive = table.labels.reduce((sum, label) => sum + label, 0);
  return {
    rows: table.rows,
    features: Object.fromEntries([
      ...numbers.map((name, column) => [name, numberProfile(columnOf(table, column))]),
      ...categories.map((name, column) => [name, categoryProfile(table, column)]),
    ]),
    prediction: numberProfile(predictions),
    labelShare: positive / table.rows,
  };
}

/**
 * Bins at the deciles, the outer ones open. An edge lies halfway between two neighbouring values, and equal values are never parted
 * (then there are fewer bins): so no value of the training part lies on an edge, and it does not matter on which side
 * of an edge equality counts, nor whether a value is read with 32 or with 64 bits.
 */
export function numberProfile(values: Float32Array): NumberProfile {
  const sorted = values.toSorted();
  const cuts = new Set<number>();
  for (let bin = 1; bin < bins; bin += 1) cuts.add(nearestCut(sorted, Math.round((bin * sorted.length) / bins)));
  cuts.delete(0);
  cuts.delete(sorted.length);
  const inner = [...cuts].toSorted((a, b) => a - b);
  const bounds = [0, ...inner, sorted.length];
  return {
    kind: 'number',
    edges: inner.map((cut) => ((sorted[cut - 1] ?? 0) + (sorted[cut] ?? 0)) / 2),
    counts: bounds.slice(1).map((bound, index) => bound - (bounds[index] ?? 0)),
    missing: 0,
  };
}

/** The place nearest to `position` where two different values meet, or an end. */
function nearestCut(sorted: Float32Array, position: number): number {
  const value = sorted[position];
  let start = position;
  let end = position;
  while (start > 0 && sorted[start - 1] === value) start -= 1;
  while (end < sorted.length && sorted[end] === value) end += 1;
  return position - start <= end - position ? start : end;
}

function categoryProfile(table: TrainingTable, column: number): CategoryProfile {
  const [unseen = 0, ...counts] = codeCounts(table, column);
  return { kind: 'category', values: table.vocabularies[column] ?? [], counts, unseen, missing: 0 };
}

function columnOf(table: TrainingTable, column: number): Float32Array {
  const width = table.names.numbers.length;
  return Float32Array.from({ length: table.rows }, (_, row) => table.numbers[row * width + column] ?? 0);
}
