import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { CodedError } from '../../domain/errors.ts';
import type { DenseTrainer } from '../../domain/trainer.ts';
import type { DenseWeights } from '../dense-model.ts';
import type { TrainingTable } from '../training-table.ts';
import { type FitState, replayed } from './fit-state.ts';
import { copyWeights, weightArrays } from './weight-arrays.ts';

/** Raised when a training of before would go on otherwise than one of now. */
const version = 1;
const beginning = 'perdura checkpoint\n';
const digestBytes = 32;

const headerSchema = z.object({
  version: z.literal(version),
  /** Of everything that a training's course follows from but the number of epochs. */
  training: z.string(),
  epoch: z.number().int().min(1),
  loss: z.number(),
  step: z.number().int(),
  beta1Product: z.number(),
  beta2Product: z.number(),
  random: z.array(z.number().int()).length(4),
  best: z.object({ epoch: z.number().int(), loss: z.number() }).nullable(),
});
type Header = z.infer<typeof headerSchema>;

/**
 * Names what the course of a training follows from: rows, target, settings and seed. `epochs` and `checkpointEvery` are left out, because a
 * training may be continued to more epochs.
 */
export function trainingDigest(
  table: TrainingTable,
  { epochs: _epochs, checkpointEvery: _every, ...trainer }: DenseTrainer,
  seed: number,
): string {
  const { names, task, classes, vocabularies } = table;
  const hash = createHash('sha256').update(canonicalJson({ names, task, classes, vocabularies, trainer, seed }));
  for (const values of [table.numbers, table.codes, table.labels]) hash.update(bytesOf(values));
  return hash.digest('hex');
}

/**
 * Writes a state as one file, whole or not at all: a line, the length of a JSON header, the header, then weights, Adam's moments and the
 * best epoch's weights as little-endian 32-bit floats, and the SHA-256 of all that. The order of the rows is not in it: it follows from seed
 * and epoch.
 *
 * @throws CodedError DISK_FULL naming the file.
 */
export async function writeCheckpoint(file: string, state: FitState, training: string): Promise<void> {
  const arrays = stateArrays(state.weights, state, state.best?.weights ?? null);
  const payload = Buffer.concat(arrays.map(bytesOf));
  const header: Header = {
    version,
    training,
    epoch: state.epoch,
    loss: state.loss ?? 0,
    step: state.adam.step,
    beta1Product: state.adam.beta1Product,
    beta2Product: state.adam.beta2Product,
    random: [...state.random],
    best: state.best === null ? null : { epoch: state.best.epoch, loss: state.best.loss },
  };
  const text = Buffer.from(canonicalJson(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const whole = Buffer.concat([Buffer.from(beginning), length, text, payload]);
  await writeWhole(file, Buffer.concat([whole, sha256(whole)]));
}

/**
 * Puts a state that was just begun where the file's stands. Returns why it cannot, in words for a person, and leaves the state as it was;
 * null when it could.
 */
export async function resumeFrom(
  file: string,
  start: FitState,
  training: string,
  epochs: number,
): Promise<string | null> {
  const bytes = await readFile(file).catch((error: unknown) => error);
  if (!Buffer.isBuffer(bytes)) return `it cannot be read (${bytes instanceof Error ? bytes.message : String(bytes)})`;
  const found = headerOf(bytes);
  if (found === null) return 'it is damaged';
  const { header, payload } = found;
  if (header.training !== training) return 'it is of another training: rows, target, settings or seed differ';
  if (header.epoch > epochs) return `it stands after epoch ${header.epoch}, and only ${epochs} are asked for`;
  const best = header.best === null ? null : { ...header.best, weights: copyWeights(start.weights) };
  const arrays = stateArrays(start.weights, start, best?.weights ?? null);
  if (payload.length !== arrays.reduce((sum, { byteLength }) => sum + byteLength, 0)) return 'it is damaged';
  const { order, random } = replayed(start, header.epoch);
  if (random.some((word, index) => word !== header.random[index])) return 'it is damaged';
  fill(arrays, payload);
  start.order.set(order);
  start.random.set(random);
  start.adam.step = header.step;
  start.adam.beta1Product = header.beta1Product;
  start.adam.beta2Product = header.beta2Product;
  start.epoch = header.epoch;
  start.loss = header.loss;
  start.best = best;
  return null;
}

function stateArrays(
  weights: DenseWeights,
  { adam }: Pick<FitState, 'adam'>,
  best: DenseWeights | null,
): readonly Float32Array[] {
  return [...weightArrays(weights), ...adam.first, ...adam.second, ...(best === null ? [] : weightArrays(best))];
}

/** Null where the file is no checkpoint, of another version, or not whole. */
function headerOf(bytes: Buffer): { readonly header: Header; readonly payload: Buffer } | null {
  const start = beginning.length + 4;
  if (bytes.length < start || bytes.toString('latin1', 0, beginning.length) !== beginning) return null;
  const end = start + bytes.readUInt32LE(beginning.length);
  const whole = bytes.subarray(0, -digestBytes);
  const read = headerSchema.safeParse(parsed(whole.toString('utf8', start, end)));
  if (!read.success || !sha256(whole).equals(bytes.subarray(-digestBytes))) return null;
  return { header: read.data, payload: whole.subarray(end) };
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function fill(arrays: readonly Float32Array[], payload: Buffer): void {
  let position = 0;
  for (const values of arrays) {
    bytesOf(values).set(payload.subarray(position, position + values.byteLength));
    position += values.byteLength;
  }
}

async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const part = `${file}.part`;
  try {
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(part, 'w');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC')
      throw new CodedError('DISK_FULL', `No room for the checkpoint ${file}. Free some space there.`, { cause: error });
    throw error;
  }
}

/** Typed arrays are little-endian on every machine that Node runs on. */
function bytesOf(values: Float32Array | Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
