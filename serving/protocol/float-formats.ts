/**
 * Conversions of the short floating-point formats (IEEE 754 binary16; bfloat16, the upper half of a binary32), all to the nearest and of two equally
 * near ones to the even one, as IEEE 754-2019, 4.3.1 has it. One rounding, never two: a value between two FP32 would else move.
 */

const exponentBits = new DataView(new ArrayBuffer(8));

/** The value of a binary16. */
export function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1_024) * 2 ** (exponent - 15);
}

/** The value of a bfloat16. */
export function bfloat16(bits: number): number {
  exponentBits.setUint32(0, bits << 16);
  return exponentBits.getFloat32(0);
}

/** The binary16 that is nearest to a number; infinite for larger ones than it holds. */
export function nearestHalf(value: number): number {
  return nearest(value, { fractionBits: 10, leastExponent: -14, mostExponent: 15 });
}

/** The bfloat16 that is nearest to a number; infinite for larger ones than it holds. */
export function nearestBfloat16(value: number): number {
  return nearest(value, { fractionBits: 7, leastExponent: -126, mostExponent: 127 });
}

/** The FP32 that is nearest to a whole number of up to 64 bits. */
export function nearestFp32(whole: bigint): number {
  const size = whole < 0n ? -whole : whole;
  if (size <= BigInt(Number.MAX_SAFE_INTEGER)) return Math.fround(Number(whole));
  // Of the low bits it only matters whether there are any: the double stays exact, so that the one rounding is that to FP32.
  const high = (size >> 12n) | ((size & 0xfffn) === 0n ? 0n : 1n);
  return Math.fround(Number(whole < 0n ? -high : high) * 4_096);
}

function nearest(
  value: number,
  format: { readonly fractionBits: number; readonly leastExponent: number; readonly mostExponent: number },
): number {
  if (!Number.isFinite(value) || value === 0) return value;
  exponentBits.setFloat64(0, value);
  const exponent = ((exponentBits.getUint32(0) >>> 20) & 0x7ff) - 1_023;
  const unit = 2 ** (Math.max(exponent, format.leastExponent) - format.fractionBits);
  // A double has no digits below 1 from 2^52 on: adding that rounds to a whole number, as the processor rounds.
  const shift = Math.sign(value) * 2 ** 52;
  const rounded = (value / unit + shift - shift) * unit;
  return Math.abs(rounded) >= 2 ** (format.mostExponent + 1) ? Math.sign(value) * Infinity : rounded;
}
