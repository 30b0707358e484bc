import { CodedError } from '../../domain/errors.ts';
import type { Standardisation } from '../dense-model.ts';
import type { TrainingTable } from './training-table.ts';

/**
 * Mean and population deviation of each number feature, summed in double precision in row order. A constant feature gets deviation 1:
 * it then standardises to 0 instead of dividing by 0.
 *
 * @throws CodedError FEATURES_INVALID when a feature holds numbers that 32 bits cannot.
 */
export function fitStandardisation(table: TrainingTable): Standardisation {
  const width = table.names.numbers.length;
  const mean = table.names.numbers.map((_, column) =>
    columnMean(table, (row) => table.numbers[row * width + column] ?? 0),
  );
  const tooLarge = table.names.numbers.find((_, column) => !Number.isFinite(mean[column]));
  if (tooLarge !== undefined)
    throw new CodedError(
      'FEATURES_INVALID',
      `Feature '${tooLarge}' holds numbers beyond 3.4e38, the largest of 32 bits. Scale it, or take its logarithm, in features.ts.`,
    );
  const deviation = mean.map((centre, column) => {
    const variance = columnMean(table, (row) => ((table.numbers[row * width + column] ?? 0) - centre) ** 2);
    const root = Math.fround(Math.sqrt(variance));
    return root > 0 ? root : 1;
  });
  return { mean: Float32Array.from(mean), deviation: Float32Array.from(deviation) };
}

function columnMean(table: TrainingTable, at: (row: number) => number): number {
  let sum = 0;
  for (let row = 0; row < table.rows; row += 1) sum += at(row);
  return sum / table.rows;
}
