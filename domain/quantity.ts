import type { Measurement } from './guardrail.ts';

/** Bytes of a MiB. */
const mebibyte = 1024 * 1024;

/** A measured value with its unit, for a sentence. */
export function quantity({ value, unit }: Pick<Measurement, 'value' | 'unit'>): string {
  if (value === null) return 'unknown';
  switch (unit) {
    case 'share':
      return `${number(value * 100)} %`;
    case 'ms':
    case 'rows/s':
      return `${number(value)} ${unit}`;
    case 'bytes':
      return `${number(value / mebibyte)} MiB`;
    case 'rows':
    case 'e-value':
    case undefined:
      return number(value);
    default:
      return unit satisfies never;
  }
}

/** Four significant digits, whole numbers from 1000 on: more would look surer than it is. */
export function number(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

/** A difference, with its sign. */
export function signed(value: number): string {
  return value > 0 ? `+${number(value)}` : number(value);
}
