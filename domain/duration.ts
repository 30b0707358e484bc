import { CodedError } from './errors.ts';

/** A length of time in words, as Temporal writes it: `'20 ms'`, `'5 seconds'`, `'30 minutes'`, `'1 day'`. */
export type Duration =
  `${number} ${'ms' | 'second' | 'seconds' | 'minute' | 'minutes' | 'hour' | 'hours' | 'day' | 'days'}`;

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  second: 1_000,
  seconds: 1_000,
  minute: 60_000,
  minutes: 60_000,
  hour: 3_600_000,
  hours: 3_600_000,
  day: 86_400_000,
  days: 86_400_000,
};

/**
 * Turns a duration into milliseconds.
 *
 * @throws CodedError INPUT_INVALID when it is not `<number> <unit>`.
 */
export function durationMs(duration: Duration): number {
  const [amount, unit = ''] = duration.split(' ');
  const factor = Object.hasOwn(unitMs, unit) ? unitMs[unit] : undefined;
  const value = Number(amount);
  if (factor === undefined || !Number.isFinite(value) || value < 0) {
    throw new CodedError(
      'INPUT_INVALID',
      `'${duration}' is not a duration. Write for example '20 ms' or '30 minutes'.`,
    );
  }
  return value * factor;
}
