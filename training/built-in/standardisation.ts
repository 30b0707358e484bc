import { CodedError } from '../../domain/errors.ts';
import type { Standardisation } from '../dense-model.ts';
import type { TrainingTable } from '../training-table.ts';

/**
 * Mean and population deviation of each number feature over the rows that are learned from, summed in double precision in row order. A constant feature gets deviation 1:
 * it then standardises to 0 instead of dividing by 0.
 *
 * @throws CodedError FEATURES_INVALID when a feature holds numbers that 32 bits cannot.
 */
export function fitStandardisation(table: TrainingTable, learned: Uint32Array): Standardisation {
  const zeros = new Float64Array(table.names.numbers.length);
  const mean = columnMeans(table, learned, zeros, (value) => value);
  const tooLarge = table.names.numbers.find((_, column) => !Number.isFinite(mean[column]));
  if (tooLarge !== undefined)
    throw new CodedError(
      'FEATURES_INVALID',
      `Feature '${tooLarge}' holds numbers beyond 3.4e38, the largest of 32 bits. Scale it, or take its logarithm, in features.ts.`,
    );
  const variance = columnMeans(table, learned, mean, (value, centre) => (value - centre) ** 2);
  const deviation = Float32Array.from(variance, (value) => {
    const root = Math.fround(Math.sqrt(value));
    return root > 0 ? root : 1;
  });
  return { mean: Float32Array.from(mean), deviation };
}

/** The mean of each column, row by row in one pass; `centres` has a number for each column. */
function columnMeans(
  { numbers }: TrainingTable,
  rows: Uint32Array,
  centres: Float64Array,
  of: (value: number, centre: number) => number,
): Float64Array {
  const width = centres.length;
  const sums = new Float64Array(width);
  for (const row of rows)
    for (let column = 0; column < width; column += 1)
      sums[column] = (sums[column] ?? 0) + of(numbers[row * width + column] ?? 0, centres[column] ?? 0);
  return sums.map((sum) => sum / rows.length);
}
