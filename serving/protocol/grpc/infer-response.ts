import { create, toBinary } from '@bufbuild/protobuf';
import { outputOf } from '../../../domain/model-package.ts';
import type { Answered } from '../../answering/call.ts';
import { answerParameters } from '../metadata.ts';
import { encodeOutput } from '../tensors.ts';
import { InferParameterSchema, ModelInferResponseSchema } from './generated/inference_pb.ts';

/** Fields of ModelInferResponse and its tensors that are written here, as their tags: number and wire type (https://protobuf.dev/programming-guides/encoding). */
const tags = {
  id: 0x1a,
  outputs: 0x2a,
  raw: 0x32,
  name: 0x0a,
  datatype: 0x12,
  shape: 0x1a,
  contents: 0x2a,
  fp32: 0x32,
};

/** More epochs than a package is ever in force at, one after the other, in one process. */
const mostKept = 16;

/** What of an answer is the same for all answers of a package in force: name, version and parameters, as bytes. */
const kept = new WeakMap<Answered['reference'], Map<string, Buffer>>();
const datatype = Buffer.from('FP32');

/**
 * The bytes of a ModelInferResponse; raw where the request was raw. Written by hand, because the library takes ten times as long over it as ONNX
 * Runtime over a small model: protobuf messages are their fields one after another, so those that never change are kept.
 */
export function inferResponse(answered: Answered, { raw }: { readonly raw: boolean }): Buffer {
  const { name, width } = outputOf(answered.signature);
  const values = encodeOutput(answered.outputs);
  const id = Buffer.from(answered.requestId);
  const tensor = tensorBytes(Buffer.from(name), [answered.rows, width], raw ? null : values);
  const always = sameBytes(answered);
  const size = always.length + sizeOf(id) + sizeOf(tensor) + (raw ? sizeOf(values) : 0);
  const bytes = Buffer.allocUnsafe(size);
  let at = always.copy(bytes);
  at = write(bytes, at, tags.id, id);
  at = write(bytes, at, tags.outputs, tensor);
  if (raw) write(bytes, at, tags.raw, values);
  return bytes;
}

function tensorBytes(name: Uint8Array, shape: readonly [number, number], typed: Uint8Array | null): Buffer {
  const dimensions = Buffer.allocUnsafe(lengthOf(shape[0]) + lengthOf(shape[1]));
  varint(dimensions, varint(dimensions, 0, shape[0]), shape[1]);
  const values = typed === null ? 0 : sizeOf(typed);
  const contents = typed === null ? 0 : 1 + lengthOf(values) + values;
  const bytes = Buffer.allocUnsafe(sizeOf(name) + sizeOf(datatype) + sizeOf(dimensions) + contents);
  let at = write(bytes, 0, tags.name, name);
  at = write(bytes, at, tags.datatype, datatype);
  at = write(bytes, at, tags.shape, dimensions);
  if (typed !== null) {
    bytes[at] = tags.contents;
    write(bytes, varint(bytes, at + 1, values), tags.fp32, typed);
  }
  return bytes;
}

function sameBytes(answered: Answered): Buffer {
  const { arm, endpoint, epoch, reference } = answered;
  const ofPackage = kept.get(reference) ?? new Map<string, Buffer>();
  kept.set(reference, ofPackage);
  const key = `${arm}/${epoch}/${endpoint}`;
  const known = ofPackage.get(key);
  if (known !== undefined) return known;
  if (ofPackage.size >= mostKept) ofPackage.clear();
  const { epoch: inForce, ...texts } = answerParameters(answered);
  const named = Object.entries(texts).map(([name, value]) => [name, { case: 'stringParam', value }] as const);
  const all = [...named, ['epoch', { case: 'int64Param', value: BigInt(inForce) }] as const];
  const bytes = toBinary(
    ModelInferResponseSchema,
    create(ModelInferResponseSchema, {
      modelName: endpoint,
      modelVersion: reference.modelVersion,
      parameters: Object.fromEntries(
        all.map(([name, parameterChoice]) => [name, create(InferParameterSchema, { parameterChoice })]),
      ),
    }),
  );
  const made = Buffer.from(bytes);
  ofPackage.set(key, made);
  return made;
}

/** A field of bytes: its tag, their length, the bytes. */
function write(into: Buffer, at: number, tag: number, bytes: Uint8Array): number {
  into[at] = tag;
  const start = varint(into, at + 1, bytes.length);
  into.set(bytes, start);
  return start + bytes.length;
}

const sizeOf = (bytes: Uint8Array): number => 1 + lengthOf(bytes.length) + bytes.length;

/** Bytes of a varint; whole numbers below 2^31 only, which lengths and shapes are. */
function lengthOf(value: number): number {
  let length = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length += 1;
  return length;
}

function varint(into: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) into[at++] = (rest & 0x7f) | 0x80;
  into[at++] = rest;
  return at;
}
