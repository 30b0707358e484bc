import type { Input } from '../answering/call.ts';
import { parseText } from './json-body.ts';
import { recordLimitBytes, recordTooLarge, refusedInput, shownValue } from './refused-input.ts';
import { readTexts } from './tensor-values.ts';
import { encodeTensors, requireOutputs, rowsOfShape, type Tensor } from './tensors.ts';

/** The input that carries raw records instead of tensors: BYTES, [rows] or [rows, 1], each a JSON object as text. */
const recordsInput = 'records';

/**
 * What a request of the inference protocol asks about: raw records, whose features the package computes as at the row endpoint, where `records` is its
 * only input; else the model's inputs themselves. `outputs`: names of those that are asked for; none: all.
 *
 * @throws CodedError INPUT_INVALID naming the record that is none.
 */
export function inputOf(tensors: readonly Tensor[], outputs: readonly string[]): Input {
  const [only] = tensors;
  if (tensors.length === 1 && only?.name === recordsInput) {
    return { kind: 'records', records: recordsIn(only), check: (signature) => requireOutputs(signature, outputs) };
  }
  return {
    kind: 'tensors',
    encode(signature) {
      requireOutputs(signature, outputs);
      return encodeTensors(signature, tensors);
    },
  };
}

function recordsIn(tensor: Tensor): readonly unknown[] {
  const texts = readTexts(tensor, rowsOfShape(tensor, 1), 1);
  return texts.map((text, at) => {
    const field = `${recordsInput}[${at}]`;
    if (text.length > recordLimitBytes) throw recordTooLarge();
    const record = parseText(text, field);
    if (typeof record === 'object' && record !== null && !Array.isArray(record)) return record;
    throw refusedInput(`'${field}' must be a JSON object, got ${shownValue(record)}.`, field);
  });
}
