import type { CategoryProfile, NumberProfile, TrainingProfile } from '../domain/drift-report.ts';
import { type PartlySorted, partlySorted } from './partly-sorted.ts';
import { codeCounts, type TrainingTable } from './training-table.ts';

/** So many bins of equal size, the default of the PSI literature. */
const bins = 10;

/**
 * Counts the training rows for later comparison with live traffic. `predictions` are the model's answers, row-major [rows, width]; they may
 * rest on a sample: its counts sum to the sample's size.
 */
export function trainingProfile(table: TrainingTable, predictions: Float32Array): TrainingProfile {
  const { numbers, categories } = table.names;
  return {
    rows: table.rows,
    features: Object.fromEntries([
      ...numbers.map((name, column) => [name, numberProfile(columnOf(table, column))]),
      ...categories.map((name, column) => [name, categoryProfile(table, column)]),
    ]),
    prediction: table.classes === null ? numberProfile(predictions) : classProfile(predictions, table.classes.length),
    labelShare: table.task === 'binary' ? table.labels.reduce((sum, label) => sum + label, 0) / table.rows : null,
  };
}

/** Counts the place of the most likely class of each row, the first of equal ones; the edges lie at the halves. */
export function classProfile(probabilities: Float32Array, classes: number): NumberProfile {
  const counts = Array.from({ length: classes }, () => 0);
  for (let start = 0; start < probabilities.length; start += classes) {
    const row = probabilities.subarray(start, start + classes);
    const place = row.indexOf(row.reduce((most, value) => Math.max(most, value), -Infinity));
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return { kind: 'number', edges: counts.slice(1).map((_, place) => place + 0.5), counts, missing: 0 };
}

/**
 * Bins at the deciles, the outer ones open. An edge lies halfway between two neighbouring values, and equal values are never parted
 * (then there are fewer bins): so no value of the training part lies on an edge, and it does not matter on which side
 * of an edge equality counts, nor whether a value is read with 32 or with 64 bits.
 */
export function numberProfile(values: Float32Array): NumberProfile {
  const deciles = Array.from({ length: bins - 1 }, (_, bin) => Math.round(((bin + 1) * values.length) / bins));
  const sorted = partlySorted(values, deciles);
  const cuts = new Set(deciles.map((position) => nearestCut(sorted, position)));
  cuts.delete(0);
  cuts.delete(sorted.length);
  const inner = [...cuts].toSorted((a, b) => a - b);
  const bounds = [0, ...inner, sorted.length];
  return {
    kind: 'number',
    edges: inner.map((cut) => ((sorted.at(cut - 1) ?? 0) + (sorted.at(cut) ?? 0)) / 2),
    counts: bounds.slice(1).map((bound, index) => bound - (bounds[index] ?? 0)),
    missing: 0,
  };
}

/** The place nearest to `position` where two different values meet, or an end. */
function nearestCut(sorted: PartlySorted, position: number): number {
  const { start, end } = sorted.equalTo(position);
  return position - start <= end - position ? start : end;
}

function categoryProfile(
  table: Pick<TrainingTable, 'rows' | 'codes' | 'vocabularies'>,
  column: number,
): CategoryProfile {
  const [unseen = 0, ...counts] = codeCounts(table, column);
  return { kind: 'category', values: table.vocabularies[column] ?? [], counts, unseen, missing: 0 };
}

function columnOf({ names, numbers, rows }: TrainingTable, column: number): Float32Array {
  const width = names.numbers.length;
  const values = new Float32Array(rows);
  for (let row = 0, next = column; row < rows; row += 1, next += width) values[row] = numbers[next] ?? 0;
  return values;
}
