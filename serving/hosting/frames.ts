import { CodedError } from '../../domain/errors.ts';
import type { CodedFailure } from '../../domain/failure.ts';
import type { EncodedRows } from '../../domain/features.ts';
import type { ModelRun } from '../models/loaded-model.ts';

/**
 * What goes over a live host's socket, little endian; floats as they lie in memory, never as text.
 *
 * A frame is its length without this field (u32), the run's number (u32), then
 * of a question: rows, numbers and categories (u32 each), the numbers (f32), the lengths of the categories (u32), their UTF-8;
 * of an answer: 0 (u32), milliseconds (f64), the outputs (f32); of a failure: 1 (u32), a CodedFailure as JSON.
 */
export type Question = { readonly run: number; readonly rows: EncodedRows };
export type Reply =
  { readonly run: number; readonly done: ModelRun } | { readonly run: number; readonly failure: CodedFailure };

const maxFrameBytes = 1024 * 1024 * 1024;
const [answered, failed] = [0, 1];

/** Writes a question down. @throws CodedError INPUT_INVALID for one that no frame holds. */
export function writeQuestion(run: number, { rows, numbers, categories }: EncodedRows): Buffer {
  const texts = categories.map((category) => Buffer.from(category));
  const textBytes = texts.reduce((sum, text) => sum + text.length, 0);
  const frame = newFrame(run, 12 + numbers.byteLength + 4 * texts.length + textBytes);
  frame.writeUInt32LE(rows, 8);
  frame.writeUInt32LE(numbers.length, 12);
  frame.writeUInt32LE(texts.length, 16);
  frame.set(bytesOf(numbers), 20);
  let at = 20 + numbers.byteLength;
  for (const text of texts) at = frame.writeUInt32LE(text.length, at);
  for (const text of texts) at += text.copy(frame, at);
  return frame;
}

/** Reads a question, without its length field. */
export function readQuestion(frame: Buffer): Question {
  const [run, rows, count, texts] = [0, 4, 8, 12].map((at) => frame.readUInt32LE(at)) as [
    number,
    number,
    number,
    number,
  ];
  const numbers = floatsOf(frame, 16, count);
  const categories: string[] = [];
  const lengths = 16 + 4 * count;
  let at = lengths + 4 * texts;
  for (let text = 0; text < texts; text += 1) {
    const end = at + frame.readUInt32LE(lengths + 4 * text);
    categories.push(frame.toString('utf8', at, end));
    at = end;
  }
  return { run, rows: { rows, numbers, categories } };
}

/** Writes an answer down. */
export function writeAnswer(run: number, { outputs, computeMs }: ModelRun): Buffer {
  const frame = newFrame(run, 12 + outputs.byteLength);
  frame.writeUInt32LE(answered, 8);
  frame.writeDoubleLE(computeMs, 12);
  frame.set(bytesOf(outputs), 20);
  return frame;
}

/** Writes down why there is no answer. */
export function writeFailure(run: number, failure: CodedFailure): Buffer {
  const text = Buffer.from(JSON.stringify(failure));
  const frame = newFrame(run, 4 + text.length);
  frame.writeUInt32LE(failed, 8);
  text.copy(frame, 12);
  return frame;
}

/** Reads what a host replied, without its length field. */
export function readReply(frame: Buffer): Reply {
  const run = frame.readUInt32LE(0);
  if (frame.readUInt32LE(4) === failed) {
    return { run, failure: JSON.parse(frame.toString('utf8', 8)) as CodedFailure };
  }
  const outputs = floatsOf(frame, 16, (frame.length - 16) / 4);
  return { run, done: { outputs, computeMs: frame.readDoubleLE(8) } };
}

/** Gives the frames of a stream of bytes, one after another, as they become whole. @throws RangeError for a length that none has. */
export function createFrameReader(onFrame: (frame: Buffer) => void): (bytes: Buffer) => void {
  let parts: Buffer[] = [];
  let held = 0;
  return (bytes) => {
    parts.push(bytes);
    held += bytes.length;
    let wanted = held >= 4 ? lengthOf(parts) : Number.POSITIVE_INFINITY;
    if (held < wanted) return;
    let rest = parts.length === 1 ? bytes : Buffer.concat(parts, held);
    while (rest.length >= wanted) {
      onFrame(rest.subarray(4, wanted));
      rest = rest.subarray(wanted);
      wanted = rest.length >= 4 ? lengthOf([rest]) : Number.POSITIVE_INFINITY;
    }
    parts = rest.length === 0 ? [] : [rest];
    held = rest.length;
  };
}

/** The first frame's length with its own field, of parts that hold at least four bytes. */
function lengthOf(parts: readonly Buffer[]): number {
  const [first] = parts;
  const head = first !== undefined && first.length >= 4 ? first : Buffer.concat(parts);
  const length = head.readUInt32LE(0);
  if (length > maxFrameBytes) throw new RangeError(`A frame of ${length} bytes on a host's socket.`);
  return length + 4;
}

function newFrame(run: number, bodyBytes: number): Buffer {
  const length = 4 + bodyBytes;
  if (length > maxFrameBytes) {
    throw new CodedError(
      'INPUT_INVALID',
      `A request of ${length} bytes is more than a model's host takes. Send fewer rows at a time.`,
    );
  }
  const frame = Buffer.allocUnsafe(4 + length);
  frame.writeUInt32LE(length, 0);
  frame.writeUInt32LE(run, 4);
  return frame;
}

const bytesOf = (floats: Float32Array): Uint8Array =>
  new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);

/** A copy, since a frame lies at any address. */
function floatsOf(frame: Buffer, at: number, count: number): Float32Array {
  const floats = new Float32Array(count);
  new Uint8Array(floats.buffer).set(frame.subarray(at, at + 4 * count));
  return floats;
}
