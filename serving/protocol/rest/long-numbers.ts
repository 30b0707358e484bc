import type { Tensor } from '../tensors.ts';

/** Texts of JSON, and its numbers. */
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** 2^53 has 16 digits. */
const long = /^-?\d{16,}$/;

/** Whether a tensor of 64-bit integers holds numbers whose last digits JSON.parse cannot keep. */
export function holdsLongNumbers({ datatype, data }: Tensor): boolean {
  if ((datatype !== 'INT64' && datatype !== 'UINT64') || data instanceof Uint8Array) return false;
  return data
    .flat(1)
    .some((value) => typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value));
}

/** The same JSON with whole numbers of 16 digits and more as texts, which loses none of them. */
export function quoteLongNumbers(text: string): string {
  return text.replace(token, (found) => (long.test(found) ? `"${found}"` : found));
}
