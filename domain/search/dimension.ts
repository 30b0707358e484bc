import type { Dimension } from '../search.ts';
import type { ParamValue } from '../trainer.ts';

/** Enough to tell two learning rates apart, few enough to read. */
const digits = 6;

/** The value at `place` in [0, 1) of a dimension: evenly over its range, its orders of magnitude, or its values. */
export function valueAt(dimension: Dimension, place: number): ParamValue {
  switch (dimension.kind) {
    case 'choice':
      return (
        dimension.values[Math.min(dimension.values.length - 1, Math.floor(place * dimension.values.length))] ?? null
      );
    case 'integer': {
      const value = Math.floor(scaled(dimension, place, dimension.from, dimension.to + 1));
      return clamp(value, dimension.from, dimension.to);
    }
    case 'float':
      return clamp(
        Number(scaled(dimension, place, dimension.from, dimension.to).toPrecision(digits)),
        dimension.from,
        dimension.to,
      );
    default:
      return dimension satisfies never;
  }
}

/** Where a value lies in [0, 1]; of a whole number the middle of what rounds to it. A choice has no place. */
export function placeOf(dimension: Exclude<Dimension, { kind: 'choice' }>, value: number): number {
  if (dimension.kind === 'float') return unscaled(dimension, value, dimension.from, dimension.to);
  return unscaled(dimension, value + 0.5, dimension.from, dimension.to + 1);
}

function scaled({ log }: { readonly log: boolean }, place: number, from: number, to: number): number {
  if (!log) return from + place * (to - from);
  return Math.exp(Math.log(from) + place * (Math.log(to) - Math.log(from)));
}

function unscaled({ log }: { readonly log: boolean }, value: number, from: number, to: number): number {
  if (from === to) return 0.5;
  const place = log
    ? (Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from))
    : (value - from) / (to - from);
  return clamp(place, 0, 1);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
