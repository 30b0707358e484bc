import { CodedError } from './errors.ts';

/** Bytes of one unit. */
const units = { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** A size in words: `'300 MiB'`. */
export type Size = `${number} ${keyof typeof units}`;

/**
 * Bytes of a size in words.
 *
 * @throws CodedError INPUT_INVALID for anything else.
 */
export function sizeBytes(size: Size): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) (\w+)$/.exec(size) ?? [];
  const factor = unit === undefined || !Object.hasOwn(units, unit) ? undefined : units[unit as keyof typeof units];
  if (amount === undefined || factor === undefined)
    throw new CodedError(
      'INPUT_INVALID',
      `'${size}' is no size. Write a number and a unit, for example '300 MiB' (units: ${Object.keys(units).join(', ')}).`,
    );
  return Number(amount) * factor;
}
