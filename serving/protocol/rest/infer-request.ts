import { refusedInput, shownValue } from '../refused-input.ts';
import { idOf, type Members, parseBody } from '../json-body.ts';
import type { Tensor } from '../tensors.ts';
import { holdsLongNumbers, quoteLongNumbers } from './long-numbers.ts';

/** One inference request of the Open Inference Protocol v2 on REST. */
export type InferRequest = {
  readonly id: string | null;
  readonly subject: string | null;
  readonly inputs: readonly Tensor[];
  /** Names of the outputs that are asked for; empty: all. */
  readonly outputs: readonly string[];
  /** Whether outputs go back as raw bytes. */
  readonly binaryOutput: boolean;
};

/** The part of a body after its JSON, and how much of it is taken. */
type Binary = { readonly bytes: Uint8Array; taken: number };

const mostOutputs = 8;
/** Members of Triton's extensions that would change the answer: whoever sends them must not get another answer in silence. */
const unsupported = ['classification', 'shared_memory_region'] as const;

/**
 * Reads a request; `headerLength` is the number of bytes of its JSON, null: all of it. Members that it does not know are without effect, as
 * the protocol has it.
 *
 * @throws CodedError INPUT_INVALID naming the member.
 * @see https://github.com/kserve/open-inference-protocol and, for tensors in binary, Triton's extension of that name.
 */
export function parseInfer(body: Buffer, headerLength: number | null): InferRequest {
  if (headerLength !== null && headerLength > body.length) {
    throw refusedInput(
      `The JSON has ${headerLength} bytes by the header, the whole body ${body.length}.`,
      'inference-header-content-length',
    );
  }
  const text = headerLength === null ? body : body.subarray(0, headerLength);
  const members = parseBody(text);
  const parameters = membersOf(members['parameters'], 'parameters');
  const binary = headerLength === null ? null : { bytes: body.subarray(headerLength), taken: 0 };
  return {
    id: members['id'] === '' ? null : idOf(members['id'], 'id'),
    subject: idOf(parameters?.['subject'], 'parameters.subject'),
    inputs: inputsOf(members['inputs'], text, binary),
    ...outputsOf(members['outputs'], flag(parameters?.['binary_data_output'], 'parameters.binary_data_output')),
  };
}

/** The value of `Inference-Header-Content-Length`. @throws CodedError INPUT_INVALID. */
export function headerLengthOf(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d{1,15}$/.test(header)) return Number(header);
  const name = 'inference-header-content-length';
  throw refusedInput(`Header '${name}' must be a number of bytes, got ${shownValue(header)}.`, name);
}

function inputsOf(given: unknown, text: Buffer, binary: Binary | null): readonly Tensor[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw refusedInput(`'inputs' must be a list of tensors, got ${shownValue(given)}.`, 'inputs');
  }
  const tensors = given.map((input, at) => tensorOf(input, `inputs[${at}]`, binary));
  if (binary !== null && binary.taken !== binary.bytes.length) {
    throw refusedInput(
      `The inputs take ${binary.taken} bytes of binary data, the body holds ${binary.bytes.length}. Correct 'binary_data_size'.`,
      'inputs',
    );
  }
  return tensors.some(holdsLongNumbers) ? withLongNumbers(tensors, text) : tensors;
}

function tensorOf(given: unknown, field: string, binary: Binary | null): Tensor {
  const input = membersOf(given, field);
  if (input === null) throw refusedInput(`'${field}' must be a tensor, got nothing.`, field);
  const { name, datatype, shape, data } = input;
  if (typeof name !== 'string' || name === '') throw wrong(`${field}.name`, 'a name', name);
  if (typeof datatype !== 'string') throw wrong(`${field}.datatype`, 'a datatype such as FP32', datatype);
  if (!Array.isArray(shape)) throw wrong(`${field}.shape`, 'a list of whole numbers', shape);
  const parameters = membersOf(input['parameters'], `${field}.parameters`);
  if (parameters !== null) refuseUnsupported(parameters, field);
  const size = parameters?.['binary_data_size'];
  if (size !== undefined) {
    if (data !== undefined) throw refusedInput(`'${field}' holds both data and binary_data_size. Send one.`, field);
    return { name, datatype, shape, data: take(size, `${field}.parameters.binary_data_size`, binary) };
  }
  if (!Array.isArray(data)) throw wrong(`${field}.data`, 'a list of values', data);
  return { name, datatype, shape, data };
}

function take(size: unknown, field: string, binary: Binary | null): Uint8Array {
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw wrong(field, 'a number of bytes', size);
  const left = binary === null ? 0 : binary.bytes.length - binary.taken;
  if (binary === null || size > left) {
    throw refusedInput(
      `'${field}' is ${size}, and ${left} bytes of binary data are left. Send them after the JSON, whose length stands in Inference-Header-Content-Length.`,
      field,
    );
  }
  const bytes = binary.bytes.subarray(binary.taken, binary.taken + size);
  binary.taken += size;
  return bytes;
}

function outputsOf(given: unknown, binaryOutput: boolean): Pick<InferRequest, 'outputs' | 'binaryOutput'> {
  if (given === undefined) return { outputs: [], binaryOutput };
  if (!Array.isArray(given) || given.length > mostOutputs) {
    throw wrong('outputs', `a list of at most ${mostOutputs} outputs`, given);
  }
  let binary = binaryOutput;
  const outputs = given.map((each: unknown, at) => {
    const field = `outputs[${at}]`;
    const output = membersOf(each, field);
    const name = output?.['name'];
    if (typeof name !== 'string') throw wrong(`${field}.name`, 'a name', name);
    const parameters = membersOf(output?.['parameters'], `${field}.parameters`);
    if (parameters !== null) {
      refuseUnsupported(parameters, field);
      const own = parameters['binary_data'];
      if (own !== undefined) binary = flag(own, `${field}.parameters.binary_data`);
    }
    return name;
  });
  return { outputs, binaryOutput: binary };
}

function refuseUnsupported(parameters: Members, field: string): void {
  for (const name of unsupported) {
    if (parameters[name] === undefined) continue;
    throw refusedInput(`'${field}.parameters.${name}' is not supported. Leave it out.`, `${field}.parameters.${name}`);
  }
}

/** What JSON.parse rounded is taken once more from the text. */
function withLongNumbers(tensors: readonly Tensor[], text: Buffer): readonly Tensor[] {
  const again = parseBody(Buffer.from(quoteLongNumbers(text.toString())))['inputs'] as readonly Tensor[];
  return tensors.map((tensor, at) => {
    const exact = again[at];
    return exact !== undefined && holdsLongNumbers(tensor) ? { ...tensor, data: exact.data } : tensor;
  });
}

/** Null: it is not there. */
function membersOf(value: unknown, field: string): Members | null {
  if (value === undefined) return null;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  throw wrong(field, 'an object', value);
}

function flag(value: unknown, field: string): boolean {
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  throw wrong(field, 'true or false', value);
}

function wrong(field: string, wanted: string, value: unknown) {
  return refusedInput(
    `'${field}' must be ${wanted}, got ${value === undefined ? 'nothing' : shownValue(value)}.`,
    field,
  );
}
