import fc from 'fast-check';

import {
  createFrameReader,
  readQuestion,
  readReply,
  writeAnswer,
  writeFailure,
  writeQuestion,
} from '../../../serving/hosting/frames.ts';
import { createLineReader } from '../../../serving/hosting/lines.ts';

const floats = fc.float32Array({ maxLength: 50 });
const rows = fc.record({
  rows: fc.nat(4_096),
  numbers: floats,
  categories: fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 20 }),
});

/** Cuts bytes into pieces of the given sizes, again and again. */
function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0, next = 0; at < bytes.length; next += 1) {
    const size = sizes[next % sizes.length] ?? 1;
    cut.push(bytes.subarray(at, at + size));
    at += size;
  }
  return cut;
}
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 });

test('questions come out as they went in, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(rows, { maxLength: 5 }), sizes, (all, cuts) => {
      const read: unknown[] = [];
      const reader = createFrameReader((frame) => read.push(readQuestion(frame)));
      const stream = Buffer.concat(all.map((each, run) => writeQuestion(run, each)));
      for (const piece of pieces(stream, cuts)) reader(piece);
      expect(read).toEqual(all.map((each, run) => ({ run, rows: each })));
    }),
    { seed: 6, numRuns: 200 },
  );
});

test('answers and failures come out as they went in', () => {
  fc.assert(
    fc.property(floats, fc.double({ noNaN: true }), sizes, (outputs, computeMs, cuts) => {
      const failure = { code: 'MODEL_INVALID', message: 'ähm', remedy: 'look', details: { row: 1 } } as const;
      const read: unknown[] = [];
      const reader = createFrameReader((frame) => read.push(readReply(frame)));
      const stream = Buffer.concat([writeAnswer(7, { outputs, computeMs }), writeFailure(8, failure)]);
      for (const piece of pieces(stream, cuts)) reader(piece);
      expect(read).toEqual([
        { run: 7, done: { outputs, computeMs } },
        { run: 8, failure },
      ]);
    }),
    { seed: 6, numRuns: 200 },
  );
});

test('a length that no frame has is refused before anything is kept', () => {
  const reader = createFrameReader(() => undefined);
  expect(() => reader(Buffer.from([255, 255, 255, 255]))).toThrow(RangeError);
});

test('lines come out whole, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), sizes, (texts, cuts) => {
      const lines = texts.map((text) => text.replaceAll('\n', ' '));
      const read: string[] = [];
      const reader = createLineReader((line) => read.push(line));
      for (const piece of pieces(Buffer.from(lines.map((line) => `${line}\n`).join('')), cuts)) reader(piece);
      expect(read).toEqual(lines);
    }),
    { seed: 6, numRuns: 200 },
  );
});
