import type { CodedError } from '../../domain/errors.ts';
import type { EncodedRows } from '../../domain/features.ts';
import { outputOf, type Signature } from '../../domain/model-package.ts';
import { refusedInput, shown } from './refused-input.ts';
import { readNumbers, readTexts } from './tensor-values.ts';

/**
 * A tensor of a request, as either protocol brings it. `datatype` and `shape` are checked here, not before. `data`: values, flat or nested row by row
 * (JSON, or the typed contents of gRPC: numbers, bigints, booleans, strings, and bytes for BYTES), or the raw little-endian bytes.
 */
export type Tensor = {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[] | Uint8Array;
};

/** One tensor as the protocol's model metadata names it; -1 is any number of rows. */
export type TensorMetadata = {
  readonly name: string;
  readonly datatype: 'FP32' | 'BYTES';
  readonly shape: readonly number[];
};

/** What of a request's inputs goes into one input of the model: `width` values a row, at these columns. */
type Part = { readonly tensor: Tensor; readonly width: number; readonly at: number };

const mostDimensions = 8;
const mostInputs = 8;

/** What goes in and comes out of a model, for its metadata. */
export function tensorsOf(signature: Signature): {
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
} {
  const { numbers, categories } = signature;
  const { name, width } = outputOf(signature);
  const inputs: TensorMetadata[] = [
    { name: 'numbers', datatype: 'FP32', shape: [-1, numbers.length] },
    { name: 'categories', datatype: 'BYTES', shape: [-1, categories.length] },
  ];
  return {
    inputs: inputs.filter(({ shape }) => shape[1] !== 0),
    outputs: [{ name, datatype: 'FP32', shape: [-1, width] }],
  };
}

/**
 * Turns a request's tensors into what a model takes: `numbers` [rows, features] of any numeric datatype and `categories` [rows, features] of
 * BYTES, or in the place of either one input for each of its features by name, [rows] or [rows, 1]. Numbers are rounded to FP32 (to the
 * nearest, of two the even one); nothing else is coerced and nothing filled in, because a silent 0 is how training and serving come to differ.
 *
 * @throws CodedError INPUT_INVALID naming the tensor, what is wrong with it and what is expected.
 */
export function encodeTensors(signature: Signature, tensors: readonly Tensor[]): EncodedRows {
  const { numbers, categories } = signature;
  const given = byName(signature, tensors);
  const numeric = partsOf('numbers', numbers, given);
  const textual = partsOf('categories', categories, given);
  for (const { name } of tensors) {
    if (![...numeric, ...textual].some((part) => part.tensor.name === name)) throw unknownInput(signature, name);
  }
  const rows = rowsOf([...numeric, ...textual]);
  return {
    rows,
    numbers: joinNumbers(numeric, rows, numbers.length),
    categories: joinTexts(textual, rows, categories.length),
  };
}

/**
 * Checks that the outputs that a request asks for exist; none named: all there are.
 *
 * @throws CodedError INPUT_INVALID naming the output.
 */
export function requireOutputs(signature: Signature, names: readonly string[]): void {
  const { name: output } = outputOf(signature);
  for (const name of names) {
    if (name !== output) throw refusedInput(`Output '${shown(name)}' does not exist; there is '${output}'.`, name);
  }
  if (names.length > 1) throw refusedInput(`Output '${output}' is asked for ${names.length} times. Ask once.`, output);
}

/** FP32 values as raw little-endian bytes. */
export function encodeOutput(outputs: Float32Array): Uint8Array {
  const bytes = new Uint8Array(outputs.length * 4);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < outputs.length; at += 1) view.setFloat32(at * 4, outputs[at] ?? Number.NaN, true);
  return bytes;
}

function byName(signature: Signature, tensors: readonly Tensor[]): ReadonlyMap<string, Tensor> {
  const most = Math.max(mostInputs, signature.numbers.length + signature.categories.length);
  if (tensors.length > most) {
    throw refusedInput(
      `A request may hold ${most} inputs, this one holds ${tensors.length}. Send each input once.`,
      'inputs',
    );
  }
  const given = new Map<string, Tensor>();
  for (const tensor of tensors) {
    if (given.has(tensor.name)) throw refusedInput(`Input '${shown(tensor.name)}' must be given once.`, tensor.name);
    given.set(tensor.name, tensor);
  }
  return given;
}

function partsOf(
  whole: 'numbers' | 'categories',
  features: readonly string[],
  given: ReadonlyMap<string, Tensor>,
): readonly Part[] {
  if (features.length === 0) return [];
  const tensor = given.get(whole);
  if (tensor !== undefined) return [{ tensor, width: features.length, at: 0 }];
  const parts = features.flatMap((name, at): Part[] => {
    const own = given.get(name);
    return own === undefined ? [] : [{ tensor: own, width: 1, at }];
  });
  if (parts.length === features.length) return parts;
  if (parts.length === 0) {
    throw refusedInput(
      `Input '${whole}' is missing: [rows, ${features.length}], or one input for each of its features by name.`,
      whole,
    );
  }
  const missing = features.find((name) => !given.has(name)) ?? whole;
  throw refusedInput(
    `Input '${missing}' is missing: all features of '${whole}' must be given by name, or none.`,
    missing,
  );
}

function unknownInput(signature: Signature, name: string): CodedError {
  const inputs = tensorsOf(signature).inputs.map((input) => `'${input.name}'`);
  return refusedInput(
    `Input '${shown(name)}' is none of the model's, or stands beside the one that holds it. The model takes ${inputs.join(' and ')}, or each feature by name.`,
    name,
  );
}

/** All shapes fit their widths, and all have the same number of rows. */
function rowsOf(parts: readonly Part[]): number {
  let rows = -1;
  for (const { tensor, width } of parts) {
    const own = rowsOfShape(tensor, width);
    if (rows === -1) rows = own;
    if (own !== rows) throw refusedInput(`Input '${tensor.name}' has ${own} rows, another has ${rows}.`, tensor.name);
  }
  return rows;
}

/** The rows of a tensor of `width` values a row, by its shape. @throws CodedError INPUT_INVALID. */
export function rowsOfShape({ name, shape }: Tensor, width: number): number {
  const [rows = 0, second = 1, ...more] = shape;
  const wanted = width === 1 ? '[rows] or [rows, 1]' : `[rows, ${width}]`;
  if (shape.length > mostDimensions)
    throw refusedInput(`Input '${name}' has more than ${mostDimensions} dimensions.`, name);
  const whole = shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  const fits = whole && rows >= 1 && second === width && more.length === 0 && Number.isSafeInteger(rows * width);
  if (fits) return rows;
  throw refusedInput(`Input '${name}' must have shape ${wanted}, got [${shape.join(', ')}].`, name);
}

function joinNumbers(parts: readonly Part[], rows: number, width: number): Float32Array {
  const [first] = parts;
  if (first === undefined) return new Float32Array(0);
  if (first.width === width) return readNumbers(first.tensor, rows, width);
  // Read before the room is made: the rows are what the client said, and only its data shows that there are so many.
  const columns = parts.map(({ tensor, at }) => ({ at, column: readNumbers(tensor, rows, 1) }));
  const joined = new Float32Array(rows * width);
  for (const { at, column } of columns) {
    for (let row = 0; row < rows; row += 1) joined[row * width + at] = column[row] ?? Number.NaN;
  }
  return joined;
}

function joinTexts(parts: readonly Part[], rows: number, width: number): string[] {
  const [first] = parts;
  if (first === undefined) return [];
  if (first.width === width) return readTexts(first.tensor, rows, width);
  const columns = parts.map(({ tensor }) => readTexts(tensor, rows, 1));
  return Array.from({ length: rows }, (_, row) => columns.map((column) => column[row] ?? '')).flat();
}
