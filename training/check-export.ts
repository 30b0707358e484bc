import { CodedError } from '../domain/errors.ts';

/**
 * Holds the answers of an exported model against the trainer's own, both row-major [rows, width]: a file that answers otherwise is not what
 * was trained. What is not a finite number is never the same.
 *
 * @throws CodedError MODEL_INVALID naming the row and both values.
 */
export function requireSamePredictions(
  exported: Float32Array,
  own: ArrayLike<number>,
  tolerance: number,
  width = 1,
): void {
  if (exported.length !== own.length)
    throw new CodedError(
      'MODEL_INVALID',
      `The exported model gives ${exported.length} values where the trainer gives ${own.length}. Nothing was kept: correct the trainer's export.`,
    );
  const unlike = exported.findIndex((value, place) => !(Math.abs(value - (own[place] ?? Number.NaN)) <= tolerance));
  if (unlike < 0) return;
  const row = Math.floor(unlike / width);
  throw new CodedError(
    'MODEL_INVALID',
    `The exported model gives ${exported[unlike]} for row ${row} where the trainer gives ${own[unlike]}; the two may differ by ${tolerance}. Nothing was kept: correct the trainer's export, or report it with the trainer's settings where the trainer is the built-in one.`,
    { details: { row, exported: exported[unlike], own: own[unlike], tolerance } },
  );
}
