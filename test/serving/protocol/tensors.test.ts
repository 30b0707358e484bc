import { hash } from 'node:crypto';

import type { Signature } from '../../../domain/model-package.ts';
import { encodeOutput, encodeTensors, type Tensor } from '../../../serving/protocol/tensors.ts';
import { tinySignature } from '../../support/tiny-model.ts';

/** Expected roundings: numpy 2.4.6 (`astype(float16)`, `int64.astype(float32)`), bfloat16 of ml_dtypes 0.6.0. */

const oneNumber: Signature = { ...tinySignature, numbers: ['x'], categories: [] };

const encode = (tensor: Partial<Tensor>, signature = oneNumber) =>
  encodeTensors(signature, [{ name: 'numbers', datatype: 'FP32', shape: [1, 1], data: [0], ...tensor }]);
const one = (datatype: string, value: unknown): number | undefined => encode({ datatype, data: [value] }).numbers[0];
const column = (datatype: string, bytes: Uint8Array, rows: number): Float32Array =>
  encode({ datatype, shape: [rows, 1], data: bytes }).numbers;
const refusal = (work: () => unknown): { readonly message: string; readonly field: unknown } => {
  try {
    work();
  } catch (error) {
    const { code, message, details } = error as { code: string; message: string; details: Record<string, unknown> };
    if (code === 'INPUT_INVALID') return { message, field: details['field'] };
    throw error;
  }
  throw new Error('It was not refused.');
};

test.each([
  ['FP16', 1 / 3, 0.333251953125],
  ['FP16', 65519.99, 65504],
  ['FP16', 2.980232238769531e-8, 0],
  ['FP16', 5.960464477539063e-8, 5.960464477539063e-8],
  ['FP16', 6.1e-5, 6.097555160522461e-5],
  ['FP16', 2049, 2048],
  ['FP16', 2051, 2052],
  ['FP16', -0.1, -0.0999755859375],
  ['FP16', 1.000488281250001, 1.0009765625],
  ['BF16', 1 / 3, 0.333984375],
  ['BF16', 257, 256],
  ['BF16', 259, 260],
  ['BF16', 0.1, 0.10009765625],
  ['BF16', 3.38e38, 3.3762391092936863e38],
  ['BF16', 9.2e-41, 9.183549615799121e-41],
  ['FP64', 0.1, Math.fround(0.1)],
  ['FP32', -1.5, -1.5],
  ['INT8', -128, -128],
  ['UINT8', 255, 255],
  ['INT16', -32768, -32768],
  ['UINT16', 65535, 65535],
  ['INT32', 16777219, 16777220],
  ['UINT32', 4294967295, 4294967296],
  ['INT64', 16777217, 16777216],
  ['INT64', '9007199791611905', 9007200328482816],
  ['INT64', '9007199791611904', 9007199254740992],
  ['INT64', '-9007199791611905', -9007200328482816],
  ['INT64', 1152921573326323713n, 1152921642045800400],
  ['INT64', 1152921573326323712n, 1152921504606847000],
  ['INT64', '-9223372036854775808', -9223372036854776000],
  ['UINT64', '18446744073709551615', 18446744073709552000],
  ['UINT64', 9223372586610589696n, 9223372036854776000],
  ['UINT64', 9223372586610589697n, 9223373136366403600],
  ['BOOL', true, 1],
  ['BOOL', false, 0],
])('%s %p is rounded once, to the nearest FP32', (datatype, given, expected) => {
  expect(one(datatype, given)).toBe(expected);
});

test('every finite FP16 and BF16 is read from its bytes as numpy reads it', () => {
  const digest = (datatype: string, isFinite: (bits: number) => boolean): string => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, at) => at).filter(isFinite);
    const values = Float64Array.from(column(datatype, new Uint8Array(bits.buffer), bits.length));
    return hash('sha256', new Uint8Array(values.buffer));
  };
  expect(digest('FP16', (bits) => (bits & 0x7c00) !== 0x7c00)).toBe(
    'aa36751fa3d7a1ad367c17b8505f04d7c8b01bb1eb0dec00b0f1c4ee444d56d3',
  );
  expect(digest('BF16', (bits) => (bits & 0x7f80) !== 0x7f80)).toBe(
    'fc9f4f1e06377ac100754c4db6968ac3b38bdeda487578316bd1ddee9bccf320',
  );
});

test.each([
  ['FP32', Buffer.from('0000c03f', 'hex'), 1.5],
  ['FP64', Buffer.from('000000000000f83f', 'hex'), 1.5],
  ['INT8', Buffer.from('80', 'hex'), -128],
  ['UINT8', Buffer.from('80', 'hex'), 128],
  ['INT16', Buffer.from('0180', 'hex'), -32767],
  ['UINT16', Buffer.from('0180', 'hex'), 32769],
  ['INT32', Buffer.from('ffffffff', 'hex'), -1],
  ['UINT32', Buffer.from('00000080', 'hex'), 2147483648],
  ['INT64', Buffer.from('feffffffffffffff', 'hex'), -2],
  ['UINT64', Buffer.from('0000000000000080', 'hex'), 2 ** 63],
  ['BOOL', Buffer.from('01', 'hex'), 1],
])('%s is read from little-endian bytes', (datatype, bytes, expected) => {
  expect([...column(datatype, bytes, 1)]).toEqual([expected]);
});

test('bytes that do not start on a multiple of their size are read as well', () => {
  const bytes = new Uint8Array(Buffer.from('ff000000000000f83f', 'hex')).subarray(1);
  expect([...column('FP64', bytes, 1)]).toEqual([1.5]);
});

const names: Signature = { ...tinySignature, numbers: ['a', 'b'], categories: ['c', 'd'] };
const numbers: Tensor = { name: 'numbers', datatype: 'FP32', shape: [2, 2], data: [1, 2, 3, 4] };
const categories: Tensor = { name: 'categories', datatype: 'BYTES', shape: [2, 2], data: ['x', 'y', 'z', 'ü'] };
const whole = { rows: 2, numbers: Float32Array.of(1, 2, 3, 4), categories: ['x', 'y', 'z', 'ü'] };

test('inputs come whole, flat or nested, in any order', () => {
  expect(encodeTensors(names, [categories, numbers])).toEqual(whole);
  const data = [
    [1, 2],
    [3, 4],
  ];
  expect(encodeTensors(names, [{ ...numbers, data }, categories])).toEqual(whole);
});

test('in place of one input its features may come by name, as [rows] or [rows, 1] and each of its own datatype', () => {
  const a: Tensor = { name: 'a', datatype: 'INT64', shape: [2], data: [1, 3] };
  const b: Tensor = { name: 'b', datatype: 'FP64', shape: [2, 1], data: [[2], [4]] };
  const c: Tensor = { name: 'c', datatype: 'BYTES', shape: [2, 1], data: ['x', 'z'] };
  const d: Tensor = { name: 'd', datatype: 'BYTES', shape: [2], data: [Buffer.from('y'), Buffer.from('ü')] };
  expect(encodeTensors(names, [d, b, a, c])).toEqual(whole);
  expect(encodeTensors(names, [b, a, categories])).toEqual(whole);
});

test('texts are read from their bytes, each after its length', () => {
  const raw = Buffer.from('\x01\0\0\0x\x00\0\0\0\x01\0\0\0z\x02\0\0\0\xc3\xbc', 'latin1');
  const read = encodeTensors(names, [numbers, { ...categories, data: raw }]);
  expect(read.categories).toEqual(['x', '', 'z', 'ü']);
});

test.each<readonly [string, Partial<Tensor>, RegExp]>([
  ['a null', { data: [null] }, /holds null at place 0, which is no finite FP32/],
  ['a number in quotes', { data: ['1'] }, /holds "1"/],
  ['NaN', { data: [Number.NaN] }, /NaN/],
  ['a number beyond FP32', { data: [1e39] }, /1e\+39/],
  ['a number beyond FP16', { datatype: 'FP16', data: [65520] }, /no finite FP16/],
  ['infinity in bytes', { data: Buffer.from('0000807f', 'hex') }, /Infinity/],
  ['a fraction as INT32', { datatype: 'INT32', data: [1.5] }, /no finite INT32/],
  ['128 as INT8', { datatype: 'INT8', data: [128] }, /INT8/],
  ['-1 as UINT64', { datatype: 'UINT64', data: [-1] }, /UINT64/],
  ['2^64 as UINT64', { datatype: 'UINT64', data: ['18446744073709551616'] }, /UINT64/],
  ['2^63 as INT64', { datatype: 'INT64', data: [2n ** 63n] }, /INT64/],
  ['a rounded INT64', { datatype: 'INT64', data: [2 ** 53] }, /INT64/],
  ['1 as BOOL', { datatype: 'BOOL', data: [1] }, /no finite BOOL/],
  ['2 as a byte of BOOL', { datatype: 'BOOL', data: Uint8Array.of(2) }, /BOOL/],
  ['BYTES for numbers', { datatype: 'BYTES', data: ['1'] }, /numeric datatype/],
  ['a datatype that does not exist', { datatype: 'toString', data: [1] }, /numeric datatype/],
  ['too many values', { data: [1, 2] }, /must hold 1 × 1 values by its shape, its data has 2/],
  ['a byte too few', { data: Uint8Array.of(0, 0, 0) }, /1 values of 4 bytes, its data has 3/],
  ['rows of unequal length', { shape: [2, 1], data: [[1], [2, 3]] }, /list of 1 values at place 1/],
  ['deeper lists', { shape: [1, 1], data: [[[1]]] }, /an array/],
  ['no rows', { shape: [0, 1], data: [] }, /shape \[rows\] or \[rows, 1\], got \[0, 1\]/],
  ['no shape', { shape: [] }, /must have shape/],
  ['nine dimensions', { shape: [1, 1, 1, 1, 1, 1, 1, 1, 1] }, /8 dimensions/],
  ['three dimensions', { shape: [1, 1, 1] }, /must have shape/],
  ['a negative size', { shape: [-1, 1] }, /must have shape/],
  ['a size that is no number', { shape: ['1', 1] as unknown as number[] }, /must have shape/],
  ['more rows than can be counted', { shape: [2 ** 53, 1] }, /must have shape/],
  ['2^50 rows without values', { shape: [2 ** 50, 1], data: [] }, /must hold 1125899906842624/],
])('%s is refused by the name of its tensor', (_, tensor, message) => {
  expect(refusal(() => encode(tensor))).toEqual({ message: expect.stringMatching(message), field: 'numbers' });
});

test.each<readonly [string, readonly Tensor[], RegExp, string]>([
  ['a missing input', [numbers], /'categories' is missing/, 'categories'],
  ['a missing feature', [{ ...numbers, name: 'a', shape: [4] }, categories], /'b' is missing/, 'b'],
  ['an unknown input', [numbers, categories, { ...numbers, name: 'e' }], /'e' is none of the model's/, 'e'],
  ['a feature beside its input', [numbers, categories, { ...numbers, name: 'a' }], /'a' is none/, 'a'],
  ['an input twice', [numbers, categories, numbers], /'numbers' must be given once/, 'numbers'],
  [
    'unequal rows',
    [numbers, { ...categories, shape: [1, 2], data: ['x', 'y'] }],
    /1 rows, another has 2/,
    'categories',
  ],
  ['a number for a text', [numbers, { ...categories, data: ['x', 'y', 'z', 3] }], /3 at place 3/, 'categories'],
  ['half a surrogate pair', [numbers, { ...categories, data: ['x', 'y', 'z', '\ud800'] }], /place 3/, 'categories'],
  ['texts as FP32', [numbers, { ...categories, datatype: 'FP32' }], /must have datatype BYTES/, 'categories'],
  ['bytes without lengths', [numbers, { ...categories, data: Buffer.from('xyz') }], /3 bytes do not/, 'categories'],
  [
    'a length beyond the end',
    [numbers, { ...categories, data: Buffer.from('ffffffff78', 'hex') }],
    /after its length/,
    'categories',
  ],
  [
    'bytes that are no UTF-8',
    [numbers, { ...categories, data: ['x', 'y', 'z', Uint8Array.of(0xff)] }],
    /no UTF-8/,
    'categories',
  ],
  ['nine inputs', Array.from({ length: 9 }, () => numbers), /may hold 8 inputs/, 'inputs'],
])('%s is refused by name', (_, tensors, message, field) => {
  expect(refusal(() => encodeTensors(names, tensors))).toEqual({ message: expect.stringMatching(message), field });
});

test('a name of 10,000 characters is cut in the message', () => {
  const name = 'n'.repeat(10_000);
  const { message, field } = refusal(() => encodeTensors(names, [numbers, categories, { ...numbers, name }]));
  expect([message.length < 400, String(field).length < 100]).toEqual([true, true]);
});

test('outputs are little-endian FP32', () => {
  expect(Buffer.from(encodeOutput(Float32Array.of(1.5, -2))).toString('hex')).toBe('0000c03f000000c0');
});
