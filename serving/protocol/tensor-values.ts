import { isUtf8 } from 'node:buffer';

import type { CodedError } from '../../domain/errors.ts';
import { bfloat16, half, nearestBfloat16, nearestFp32, nearestHalf } from './float-formats.ts';
import { refusedInput, shownValue } from './refused-input.ts';
import type { Tensor } from './tensors.ts';

/**
 * One numeric datatype of the Open Inference Protocol v2: `raw` reads an element of its bytes, `given` one of its values. Both give a number that
 * FP32 holds or is rounded to; NaN for what is not of the datatype.
 */
type NumberFormat = {
  readonly bytes: number;
  readonly what: string;
  readonly raw: (view: DataView, at: number) => number;
  readonly given: (value: unknown) => number;
};

const numberFormats: Readonly<Record<string, NumberFormat>> = {
  FP32: floating(4, 'FP32', (view, at) => view.getFloat32(at, true)),
  FP64: floating(8, 'FP64 that FP32 holds', (view, at) => view.getFloat64(at, true)),
  FP16: floating(2, 'FP16', (view, at) => half(view.getUint16(at, true)), nearestHalf),
  BF16: floating(2, 'BF16', (view, at) => bfloat16(view.getUint16(at, true)), nearestBfloat16),
  INT8: integer(1, 'INT8', -(2 ** 7), 2 ** 7 - 1, (view, at) => view.getInt8(at)),
  INT16: integer(2, 'INT16', -(2 ** 15), 2 ** 15 - 1, (view, at) => view.getInt16(at, true)),
  INT32: integer(4, 'INT32', -(2 ** 31), 2 ** 31 - 1, (view, at) => view.getInt32(at, true)),
  UINT8: integer(1, 'UINT8', 0, 2 ** 8 - 1, (view, at) => view.getUint8(at)),
  UINT16: integer(2, 'UINT16', 0, 2 ** 16 - 1, (view, at) => view.getUint16(at, true)),
  UINT32: integer(4, 'UINT32', 0, 2 ** 32 - 1, (view, at) => view.getUint32(at, true)),
  INT64: long('INT64', -(2n ** 63n), 2n ** 63n - 1n, (view, at) => view.getBigInt64(at, true)),
  UINT64: long('UINT64', 0n, 2n ** 64n - 1n, (view, at) => view.getBigUint64(at, true)),
  BOOL: {
    bytes: 1,
    what: 'BOOL',
    raw: (view, at) => (view.getUint8(at) > 1 ? Number.NaN : view.getUint8(at)),
    given: (value) => (typeof value === 'boolean' ? Number(value) : Number.NaN),
  },
};

const wholeNumber = /^-?\d{1,20}$/;
const loneSurrogate = /\p{Surrogate}/u;

/** All datatypes that an input may have. */
export const datatypes: readonly string[] = [...Object.keys(numberFormats), 'BYTES'];

/**
 * The values of a numeric tensor, row-major. Its shape was checked: [rows, width], or [rows] where `width` is 1.
 *
 * @throws CodedError INPUT_INVALID for another datatype, another number of values, and a value that is not of the datatype, is not finite or
 * larger than FP32 holds.
 */
export function readNumbers(tensor: Tensor, rows: number, width: number): Float32Array {
  const format = Object.hasOwn(numberFormats, tensor.datatype) ? numberFormats[tensor.datatype] : undefined;
  if (format === undefined) {
    throw refusedInput(
      `Input '${tensor.name}' must have a numeric datatype (${Object.keys(numberFormats).join(', ')}), got ${shownValue(tensor.datatype)}.`,
      tensor.name,
    );
  }
  const { data } = tensor;
  return data instanceof Uint8Array
    ? rawNumbers(tensor, data, format, rows * width)
    : givenNumbers(tensor, flatten(tensor, data, rows, width), format);
}

/**
 * The texts of a BYTES tensor, row-major; each must be UTF-8. Its shape was checked as above.
 *
 * @throws CodedError INPUT_INVALID.
 */
export function readTexts(tensor: Tensor, rows: number, width: number): string[] {
  if (tensor.datatype !== 'BYTES') {
    throw refusedInput(
      `Input '${tensor.name}' must have datatype BYTES, got ${shownValue(tensor.datatype)}.`,
      tensor.name,
    );
  }
  const { data } = tensor;
  if (data instanceof Uint8Array) return rawTexts(tensor, data, rows * width);
  return flatten(tensor, data, rows, width).map((value, at) => textOf(tensor, value, at));
}

function rawNumbers(tensor: Tensor, data: Uint8Array, { bytes, raw, what }: NumberFormat, count: number): Float32Array {
  if (data.length !== count * bytes) {
    const size = `${count} values of ${bytes} bytes`;
    throw refusedInput(`Input '${tensor.name}' must hold ${size}, its data has ${data.length} bytes.`, tensor.name);
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const numbers = new Float32Array(count);
  for (let at = 0; at < count; at += 1) {
    numbers[at] = raw(view, at * bytes);
    if (!Number.isFinite(numbers[at])) throw unfit(tensor, at, String(raw(view, at * bytes)), what);
  }
  return numbers;
}

function givenNumbers(tensor: Tensor, data: readonly unknown[], { given, what }: NumberFormat): Float32Array {
  const numbers = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += 1) {
    numbers[at] = given(data[at]);
    if (!Number.isFinite(numbers[at])) throw unfit(tensor, at, shownValue(data[at]), what);
  }
  return numbers;
}

function unfit(tensor: Tensor, at: number, value: string, what: string): CodedError {
  return refusedInput(`Input '${tensor.name}' holds ${value} at place ${at}, which is no finite ${what}.`, tensor.name);
}

/** Each text after its length in bytes, 4 bytes little endian. */
function rawTexts(tensor: Tensor, data: Uint8Array, count: number): string[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const texts: string[] = [];
  let next = 0;
  while (texts.length < count && next + 4 <= data.length) {
    const start = next + 4;
    next = start + view.getUint32(next, true);
    if (next > data.length) break;
    texts.push(textOf(tensor, data.subarray(start, next), texts.length));
  }
  if (texts.length === count && next === data.length) return texts;
  throw refusedInput(
    `Input '${tensor.name}' must hold ${count} texts, each after its length (4 bytes, little endian); its ${data.length} bytes do not.`,
    tensor.name,
  );
}

function textOf({ name }: Tensor, value: unknown, at: number): string {
  if (typeof value === 'string') {
    if (!loneSurrogate.test(value)) return value;
    throw refusedInput(`Input '${name}' holds half a surrogate pair at place ${at}, which is no text.`, name);
  }
  if (!(value instanceof Uint8Array)) {
    throw refusedInput(`Input '${name}' holds ${shownValue(value)} at place ${at}, which is no string.`, name);
  }
  if (!isUtf8(value)) {
    throw refusedInput(`Input '${name}' holds bytes at place ${at} that are no UTF-8; categories are texts.`, name);
  }
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
}

/** Flat as it is; nested: as many lists as rows, each as long as a row. */
function flatten({ name, shape }: Tensor, data: readonly unknown[], rows: number, width: number): readonly unknown[] {
  const nested = shape.length === 2 && Array.isArray(data[0]);
  const odd = nested ? data.findIndex((row) => !Array.isArray(row) || row.length !== width) : -1;
  if (odd >= 0) {
    throw refusedInput(`Input '${name}' must hold a list of ${width} values at place ${odd} of its data.`, name);
  }
  const values = nested ? data.flat(1) : data;
  if (values.length === rows * width) return values;
  const size = `${rows} × ${width} values by its shape`;
  throw refusedInput(`Input '${name}' must hold ${size}, its data has ${values.length}.`, name);
}

function floating(
  bytes: number,
  what: string,
  raw: NumberFormat['raw'],
  nearest: (value: number) => number = (value) => value,
): NumberFormat {
  return { bytes, what, raw, given: (value) => (typeof value === 'number' ? nearest(value) : Number.NaN) };
}

function integer(bytes: number, what: string, least: number, most: number, raw: NumberFormat['raw']): NumberFormat {
  const given = (value: unknown): number =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : Number.NaN;
  return { bytes, what, raw, given };
}

/** A value beyond 2^53 comes as bigint or as text: a JSON number has lost its last digits by then, and is refused. */
function long(what: string, least: bigint, most: bigint, raw: (view: DataView, at: number) => bigint): NumberFormat {
  const given = (value: unknown): number => {
    const whole = longOf(value);
    return whole === null || whole < least || whole > most ? Number.NaN : nearestFp32(whole);
  };
  return { bytes: 8, what, raw: (view, at) => nearestFp32(raw(view, at)), given };
}

function longOf(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null;
  return typeof value === 'string' && wholeNumber.test(value) ? BigInt(value) : null;
}
