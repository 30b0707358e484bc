import { refusedInput, shown } from '../refused-input.ts';
import type { Tensor } from '../tensors.ts';
import type {
  InferTensorContents,
  ModelInferRequest,
  ModelInferRequest_InferInputTensor,
} from './generated/inference_pb.ts';

/** The field that holds the values of a datatype (https://github.com/kserve/open-inference-protocol, tensor data). */
type Field = Exclude<keyof InferTensorContents, '$typeName' | '$unknown'>;
const fields: ReadonlyMap<string, Field> = new Map<string, Field>([
  ['BOOL', 'boolContents'],
  ['INT8', 'intContents'],
  ['INT16', 'intContents'],
  ['INT32', 'intContents'],
  ['INT64', 'int64Contents'],
  ['UINT8', 'uintContents'],
  ['UINT16', 'uintContents'],
  ['UINT32', 'uintContents'],
  ['UINT64', 'uint64Contents'],
  ['FP32', 'fp32Contents'],
  ['FP64', 'fp64Contents'],
  ['BYTES', 'bytesContents'],
]);
const everyField = [...new Set(fields.values())];

/**
 * A request's tensors, typed or raw, as both protocols have them.
 *
 * @throws CodedError INPUT_INVALID naming the tensor or the field.
 */
export function tensorsIn({ inputs, rawInputContents: raw }: ModelInferRequest): readonly Tensor[] {
  if (raw.length > 0 && raw.length !== inputs.length) {
    throw refusedInput(
      `'raw_input_contents' holds ${raw.length} tensors for ${inputs.length} inputs. Send one for each, in their order.`,
      'raw_input_contents',
    );
  }
  return inputs.map((input, place) => tensorOf(input, raw[place] ?? null));
}

function tensorOf(input: ModelInferRequest_InferInputTensor, raw: Uint8Array | null): Tensor {
  const { name, datatype } = input;
  const shape = input.shape.map((length) => Number(length));
  if (raw === null) return { name, datatype, shape, data: typedValues(input) };
  if (input.contents !== undefined) {
    throw refusedInput(`Input '${shown(name)}' has contents beside raw_input_contents. Send one of the two.`, name);
  }
  return { name, datatype, shape, data: raw };
}

function typedValues({ name, datatype, contents }: ModelInferRequest_InferInputTensor): readonly unknown[] {
  const field = fields.get(datatype);
  if (field === undefined) {
    if (datatype !== 'FP16' && datatype !== 'BF16') return [];
    throw refusedInput(
      `Input '${shown(name)}' of datatype ${datatype} has no typed contents. Send it in raw_input_contents.`,
      name,
    );
  }
  if (contents === undefined) return [];
  const other = everyField.find((each) => each !== field && contents[each].length > 0);
  if (other !== undefined) {
    throw refusedInput(
      `Input '${shown(name)}' of datatype ${datatype} has values in ${snake(other)}. Send them in ${snake(field)}.`,
      name,
    );
  }
  return contents[field];
}

/** A field's name as the protocol writes it. */
function snake(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
