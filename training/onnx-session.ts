import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { CodedError } from '../domain/errors.ts';
import type { EncodedRows, FeatureNames } from '../domain/features.ts';

/** A loaded model.onnx. It owns native memory: close it. */
export type OnnxSession = {
  /** The probability of each row. The call blocks the event loop while it computes: keep batches to some thousand rows. */
  predict(rows: EncodedRows): Promise<Float32Array>;
  close(): Promise<void>;
};

/**
 * Opens the model of a package folder, or of bytes that are not written yet, on one thread.
 *
 * @throws CodedError MODEL_INVALID when it does not load or lacks the signature's inputs and output.
 */
export async function openOnnxSession(model: string | Uint8Array, names: FeatureNames): Promise<OnnxSession> {
  const session = await load(model);
  const inputs = [
    ...(names.numbers.length > 0 ? ['numbers'] : []),
    ...(names.categories.length > 0 ? ['categories'] : []),
  ];
  const found = session.inputNames.toSorted().join(', ');
  if (found !== inputs.toSorted().join(', ') || !session.outputNames.includes('probability')) {
    await session.release();
    throw invalid(`it takes '${found}' and gives '${session.outputNames.join(', ')}'`);
  }
  return { predict: (rows) => predict(session, names, rows), close: () => session.release() };
}

async function load(model: string | Uint8Array): Promise<InferenceSession> {
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 } as const;
  try {
    if (typeof model !== 'string') return await InferenceSession.create(model, options);
    return await InferenceSession.create(join(model, 'model.onnx'), options);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error), error);
  }
}

async function predict(session: InferenceSession, names: FeatureNames, rows: EncodedRows): Promise<Float32Array> {
  if (rows.rows === 0) return new Float32Array(0);
  const feeds: Record<string, Tensor> = {};
  if (names.numbers.length > 0)
    feeds['numbers'] = new Tensor('float32', rows.numbers, [rows.rows, names.numbers.length]);
  if (names.categories.length > 0)
    feeds['categories'] = new Tensor('string', rows.categories, [rows.rows, names.categories.length]);
  const { probability } = await session.run(feeds, ['probability']);
  if (probability?.data instanceof Float32Array && probability.data.length === rows.rows) return probability.data;
  throw invalid(`its output is not one 32-bit float for each of ${rows.rows} rows`);
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
