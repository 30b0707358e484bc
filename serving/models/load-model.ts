import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { CodedError } from '../../domain/errors.ts';
import type { EncodedRows, FeatureModule } from '../../domain/features.ts';
import { type ModelReference, outputOf, type Signature } from '../../domain/model-package.ts';
import { loadFeatureModule } from '../../stores/feature-module.ts';

/** A package that is loaded and warm. It owns a native session: close it once, when nothing runs on it any more. */
export type LoadedModel = {
  readonly reference: ModelReference;
  readonly signature: Signature;
  readonly features: FeatureModule;
  /** The rows of the signature's output, one after another. Blocks the event loop while ONNX Runtime computes. */
  run(rows: EncodedRows): Promise<Float32Array>;
  close(): Promise<void>;
};

/**
 * Loads a package from a local folder and answers one made-up row with it, so that the first real request pays for no allocation.
 * One thread a session: rows are small, and the processes of a machine are many.
 *
 * @throws CodedError MODEL_INVALID when the model does not load or is not what its signature says; FEATURES_INVALID.
 */
export async function loadModel(reference: ModelReference, folder: string): Promise<LoadedModel> {
  const signature = JSON.parse(await readFile(join(folder, 'signature.json'), 'utf8')) as Signature;
  const features = await loadFeatureModule(join(folder, 'features.mjs'));
  if (canonicalJson(features.record) !== canonicalJson(signature.record)) {
    throw invalid(reference, 'its features.mjs takes another record than its signature.json says');
  }
  const session = await openSession(reference, join(folder, 'model.onnx'));
  const model: LoadedModel = {
    reference,
    signature,
    features,
    run: (rows) => run(session, reference, signature, rows),
    close: () => session.release(),
  };
  try {
    checkSignature(reference, session, signature);
    await warm(session, reference, signature);
    return model;
  } catch (error) {
    await session.release();
    throw error;
  }
}

async function openSession(reference: ModelReference, file: string): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
  } catch (error) {
    throw invalid(reference, `ONNX Runtime does not load it (${(error as Error).message})`, error);
  }
}

function checkSignature(reference: ModelReference, session: InferenceSession, signature: Signature): void {
  const wanted = [
    ...(signature.numbers.length > 0 ? [`numbers float32 ${signature.numbers.length}`] : []),
    ...(signature.categories.length > 0 ? [`categories string ${signature.categories.length}`] : []),
  ];
  const found = session.inputMetadata.map(
    (input) => `${input.name} ${input.isTensor ? `${input.type} ${String(input.shape.at(-1))}` : 'no tensor'}`,
  );
  if (canonicalJson(wanted.toSorted()) !== canonicalJson(found.toSorted())) {
    throw invalid(reference, `its inputs are [${found.join('; ')}], its signature says [${wanted.join('; ')}]`);
  }
  const { name, width } = outputOf(signature);
  const output = session.outputMetadata.find((each) => each.name === name);
  if (output === undefined) {
    throw invalid(reference, `it has no output '${name}', only [${session.outputNames.join('; ')}]`);
  }
  const last = output.isTensor ? output.shape.at(-1) : undefined;
  if (typeof last === 'number' && last !== width) {
    throw invalid(reference, `its output '${name}' is ${last} wide, its signature says ${width}`);
  }
  // An answer names the target and, beside it, the probabilities.
  if (name === 'probabilities' && signature.target.name === name) {
    throw invalid(reference, `its target is called '${name}', as a part of each answer is`);
  }
}

/** The made-up row only warms: an unknown category or a zero may well give no finite probability. */
async function warm(session: InferenceSession, reference: ModelReference, signature: Signature): Promise<void> {
  try {
    await session.run(feeds(signature, { rows: 1, numbers: zeros(signature), categories: blanks(signature) }));
  } catch (error) {
    throw invalid(reference, `it does not answer a row of its own signature (${(error as Error).message})`, error);
  }
}

const zeros = (signature: Signature): Float32Array => new Float32Array(signature.numbers.length);
const blanks = (signature: Signature): string[] => signature.categories.map(() => '');

function feeds(signature: Signature, rows: EncodedRows): Record<string, Tensor> {
  const { numbers, categories } = signature;
  return {
    ...(numbers.length > 0 && { numbers: new Tensor('float32', rows.numbers, [rows.rows, numbers.length]) }),
    ...(categories.length > 0 && { categories: new Tensor('string', rows.categories, [rows.rows, categories.length]) }),
  };
}

async function run(
  session: InferenceSession,
  reference: ModelReference,
  signature: Signature,
  rows: EncodedRows,
): Promise<Float32Array> {
  const output = await session.run(feeds(signature, rows)).catch((error: unknown) => {
    throw invalid(reference, `it failed on a row (${(error as Error).message})`, error);
  });
  const { name, width } = outputOf(signature);
  const data = output[name]?.data;
  if (!(data instanceof Float32Array) || data.length !== rows.rows * width) {
    throw invalid(reference, `it did not answer ${width} float32 of '${name}' a row`);
  }
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw invalid(reference, `it answered ${String(data[wrong])}`);
  return data;
}

function invalid(reference: ModelReference, problem: string, cause?: unknown): CodedError {
  return new CodedError(
    'MODEL_INVALID',
    `Model ${reference.model} version ${reference.modelVersion} cannot answer: ${problem}. Look at the training run that wrote it.`,
    { cause },
  );
}
