import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { CodedError } from '../domain/errors.ts';
import type { EncodedRows } from '../domain/features.ts';
import { type ModelOutput, outputOf, type Signature } from '../domain/model-package.ts';
import { type ByteReader, fileReader, readOnnxVersions } from './onnx-versions.ts';

/** A loaded model.onnx. It owns native memory: close it. */
export type OnnxSession = {
  /**
   * The answers, row-major [rows, width] with the width of `outputOf`. The call blocks the event loop while it computes: keep batches to some
   * thousand rows.
   */
  predict(rows: EncodedRows): Promise<Float32Array>;
  close(): Promise<void>;
};

/** What goes in and comes out. */
export type OnnxShape = Pick<Signature, 'numbers' | 'categories' | 'target' | 'classes'>;

/** What ONNX Runtime 1.30 takes at most. */
const newest = { ir: 13, opset: 26 } as const;
/** A protobuf message can be no longer. */
const mostBytes = 2 ** 31;

/**
 * Opens the model of a package folder, or of bytes that are not written yet, on one thread.
 *
 * @throws CodedError MODEL_INVALID when it is too large, does not load, or has other inputs or another output than the signature says.
 */
export async function openOnnxSession(model: string | Uint8Array, signature: OnnxShape): Promise<OnnxSession> {
  const file = typeof model === 'string' ? join(model, 'model.onnx') : model;
  await requireReadable(file);
  const session = await load(file);
  const problem = unlike(session, signature);
  if (problem !== null) {
    await session.release();
    throw invalid(problem);
  }
  return { predict: (rows) => predict(session, signature, rows), close: () => session.release() };
}

/** Before ONNX Runtime sees it: its own message on a new version does not say what to do. */
async function requireReadable(model: string | Uint8Array): Promise<void> {
  if (typeof model !== 'string') {
    await requireVersions(
      (position, length) => Promise.resolve(model.subarray(position, position + length)),
      model.length,
    );
    return;
  }
  const file = await open(model).catch((error: unknown) => {
    throw invalid(error instanceof Error ? error.message : String(error), error);
  });
  try {
    const { size } = await file.stat();
    if (size >= mostBytes)
      throw invalid(`it has ${size} bytes, and an ONNX file of 2 GiB or more cannot be loaded. Train a smaller model`);
    await requireVersions(fileReader(file), size);
  } finally {
    await file.close();
  }
}

async function requireVersions(read: ByteReader, size: number): Promise<void> {
  const versions = await readOnnxVersions(read, size);
  if (versions === null || size === 0) throw invalid('it is no ONNX file, or a part of one');
  const { ir, opset } = versions;
  if (ir !== null && ir > newest.ir)
    throw invalid(
      `it has IR version ${ir}, and at most ${newest.ir} can be served. Set 'model.ir_version = 10' in Python before it is saved`,
    );
  if (opset !== null && opset > newest.opset)
    throw invalid(
      `it has opset ${opset}, and at most ${newest.opset} can be served. Convert with 'target_opset=17' (skl2onnx, onnxmltools), or 'opset_version=17' (torch.onnx.export)`,
    );
}

async function load(model: string | Uint8Array): Promise<InferenceSession> {
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 } as const;
  try {
    return typeof model === 'string'
      ? await InferenceSession.create(model, options)
      : await InferenceSession.create(model, options);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error), error);
  }
}

/** Why the file is not what the signature says; null when it is. */
function unlike(session: InferenceSession, signature: OnnxShape): string | null {
  const inputs = [
    ...(signature.numbers.length > 0 ? [told('numbers', 'float32', signature.numbers.length)] : []),
    ...(signature.categories.length > 0 ? [told('categories', 'string', signature.categories.length)] : []),
  ].toSorted();
  const found = session.inputMetadata.map((input) => metadataTold(input, inputs)).toSorted();
  if (found.join('; ') !== inputs.join('; '))
    return `it takes [${found.join('; ')}], its signature says [${inputs.join('; ')}]`;
  const output = outputOf(signature);
  const wanted = told(output.name, 'float32', output.width);
  const outputs = session.outputMetadata.map((given) => metadataTold(given, [wanted]));
  return outputs.includes(wanted) ? null : `it gives [${outputs.join('; ')}], its signature says [${wanted}]`;
}

function told(name: string, type: string, width: number | string): string {
  return `${name} ${type} [rows, ${width}]`;
}

/** A width that the file leaves open is told as the wanted one: the first answer shows whether it is. */
function metadataTold(given: InferenceSession.ValueMetadata, wanted: readonly string[]): string {
  if (!given.isTensor) return `${given.name}, no tensor`;
  const [, width = '?', ...more] = given.shape;
  if (given.shape.length === 2 && typeof width === 'string') {
    const start = `${given.name} ${given.type} [`;
    return wanted.find((text) => text.startsWith(start)) ?? told(given.name, given.type, width);
  }
  if (given.shape.length === 2) return told(given.name, given.type, width);
  return `${given.name} ${given.type} [${['rows', ...(given.shape.length > 1 ? [width] : []), ...more].join(', ')}]`;
}

async function predict(session: InferenceSession, signature: OnnxShape, rows: EncodedRows): Promise<Float32Array> {
  if (rows.rows === 0) return new Float32Array(0);
  const { numbers, categories } = signature;
  const feeds: Record<string, Tensor> = {};
  if (numbers.length > 0) feeds['numbers'] = new Tensor('float32', rows.numbers, [rows.rows, numbers.length]);
  if (categories.length > 0)
    feeds['categories'] = new Tensor('string', rows.categories, [rows.rows, categories.length]);
  const output = outputOf(signature);
  const answer = (await run(session, feeds, output))[output.name];
  const { data } = answer ?? {};
  if (data instanceof Float32Array && data.length === rows.rows * output.width) return data;
  throw invalid(`its output '${output.name}' is not ${output.width} 32-bit float(s) for each of ${rows.rows} rows`);
}

async function run(
  session: InferenceSession,
  feeds: Record<string, Tensor>,
  output: ModelOutput,
): Promise<InferenceSession.OnnxValueMapType> {
  try {
    return await session.run(feeds, [output.name]);
  } catch (error) {
    throw invalid(`it fails on a row (${error instanceof Error ? error.message : String(error)})`, error);
  }
}

function invalid(reason: string, cause?: unknown): CodedError {
  return new CodedError(
    'MODEL_INVALID',
    `model.onnx does not match its signature: ${reason}. Look at the training run.`,
    {
      cause,
    },
  );
}
