import { CodedError } from '../errors.ts';
import { sobolDirections } from './sobol-directions.ts';

const bits = 30;
const size = 2 ** bits;

/** How many hyper-parameters a Sobol sequence can be made for. */
export const mostSobolDimensions = sobolDirections.length + 1;

/**
 * Point `index` of the Sobol sequence in Gray-code order (Antonov and Saleev 1979), as scipy.stats.qmc has it, in [0, 1) for each dimension.
 * `shift` moves all points by exclusive or, so that seeds differ and the even spread stays.
 *
 * @throws CodedError INPUT_INVALID beyond 64 dimensions or 2^30 points.
 */
export function sobolPoint(index: number, shift: readonly number[]): readonly number[] {
  if (shift.length > mostSobolDimensions || index >= size)
    throw new CodedError(
      'INPUT_INVALID',
      `A Sobol sequence has at most ${mostSobolDimensions} hyper-parameters and ${size} trials. Use the strategy 'random'.`,
    );
  const gray = index ^ (index >>> 1);
  return shift.map((own, dimension) => {
    let point = own;
    for (const [bit, direction] of directionsOf(dimension).entries()) if ((gray >>> bit) & 1) point ^= direction;
    return (point >>> 0) / size;
  });
}

/** The direction numbers of a dimension, from 0: the first is van der Corput's. */
function directionsOf(dimension: number): readonly number[] {
  const row = sobolDirections[dimension - 1];
  if (row === undefined) return Array.from({ length: bits }, (_, bit) => 2 ** (bits - 1 - bit));
  const degree = row.initial.length;
  const numbers = [...row.initial];
  for (let next = degree; next < bits; next += 1) {
    let value = (numbers[next - degree] ?? 0) ^ ((numbers[next - degree] ?? 0) << degree);
    for (let term = 1; term < degree; term += 1)
      if ((row.polynomial >>> (degree - term)) & 1) value ^= (numbers[next - term] ?? 0) << term;
    numbers.push(value);
  }
  return numbers.map((value, bit) => value * 2 ** (bits - 1 - bit));
}
