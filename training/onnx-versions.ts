import type { FileHandle } from 'node:fs/promises';

/** Bytes at a position; fewer where the file ends. */
export type ByteReader = (position: number, length: number) => Promise<Uint8Array>;

/** The versions that an ONNX file names; `opset` is that of the standard operators. Null where the file does not say. */
export type OnnxVersions = { readonly ir: number | null; readonly opset: number | null };

const [varint, fixed64, lengthDelimited, fixed32] = [0, 1, 2, 5];
/** A field's tag and its length or value. */
const longestHead = 20;

/**
 * Reads the versions of a ModelProto (onnx.proto3: `ir_version` 1, `opset_import` 8 with `domain` 1 and `version` 2) without its graph.
 * Null where the bytes are no whole message.
 */
export async function readOnnxVersions(read: ByteReader, size: number): Promise<OnnxVersions | null> {
  let found: OnnxVersions = { ir: null, opset: null };
  for (let position = 0; position < size;) {
    const head = fieldAt(await read(position, longestHead), 0);
    if (head === null || position + head.end > size) return null;
    if (head.number === 1 && head.wire === varint) found = { ...found, ir: head.value };
    if (head.number === 8 && head.wire === lengthDelimited) {
      const opset = standardOpset(await read(position + head.start, head.end - head.start));
      found = { ...found, opset: opset ?? found.opset };
    }
    position += head.end;
  }
  return found;
}

/** Reads of an open file. */
export function fileReader(file: FileHandle): ByteReader {
  return async (position, length) => {
    const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  };
}

/** The version of an OperatorSetIdProto of the standard domain; null: of another one. */
function standardOpset(bytes: Uint8Array): number | null {
  let version: number | null = null;
  for (let position = 0; position < bytes.length;) {
    const field = fieldAt(bytes, position);
    if (field === null) return null;
    const text = new TextDecoder().decode(bytes.subarray(field.start, field.end));
    if (field.number === 1 && text !== '' && text !== 'ai.onnx') return null;
    if (field.number === 2) version = field.value;
    position = field.end;
  }
  return version;
}

type Field = {
  readonly number: number;
  readonly wire: number;
  /** Of a varint. */
  readonly value: number;
  /** Where a field of bytes begins, and where the field ends. */
  readonly start: number;
  readonly end: number;
};

function fieldAt(bytes: Uint8Array, position: number): Field | null {
  const tag = varintAt(bytes, position);
  if (tag === null) return null;
  const [number, wire] = [Math.floor(tag.value / 8), tag.value % 8];
  const at = { number, wire, value: 0, start: tag.end };
  if (wire === fixed64) return { ...at, end: tag.end + 8 };
  if (wire === fixed32) return { ...at, end: tag.end + 4 };
  if (wire !== varint && wire !== lengthDelimited) return null;
  const next = varintAt(bytes, tag.end);
  if (next === null) return null;
  if (wire === varint) return { ...at, value: next.value, end: next.end };
  return { ...at, start: next.end, end: next.end + next.value };
}

function varintAt(bytes: Uint8Array, position: number): { readonly value: number; readonly end: number } | null {
  let value = 0;
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[position + index];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, end: position + index + 1 };
  }
  return null;
}
