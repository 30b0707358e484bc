import { lstat, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CodedError } from '../../domain/errors.ts';
import { outputOf, type Signature } from '../../domain/model-package.ts';
import { requireSamePredictions } from '../check-export.ts';
import { type OnnxSession, openOnnxSession } from '../onnx-session.ts';
import { openDataColumns } from './data-columns.ts';
import type { WorkFolder } from './work-folder.ts';

/** What is checked, and where the model goes when it holds up. */
export type ModelCheck = {
  readonly work: WorkFolder;
  readonly signature: Signature;
  readonly tolerance: number;
  readonly rows: number;
  /** Receives model.onnx alone: an ONNX file that needs another file beside it does not load from there. */
  readonly folder: string;
  /** What the program said last. */
  readonly lastLines: string;
};

/** The profile of the predictions rests on so many rows at most. */
const sampledRows = 50_000;
const checkedRows = 1_000;
const mostModelBytes = 2 ** 31;
const mostPredictionBytes = 2 ** 28;

/**
 * Moves a program's model into its package's folder and holds it against the contract: it loads, takes and gives what its signature says, and
 * answers as the trainer itself. Returns its answers on training rows, all of them or 50,000 evenly spaced ones, row-major.
 *
 * @throws CodedError TRAINING_FAILED when there is no model, MODEL_INVALID when it does not hold up.
 */
export async function checkModel(check: ModelCheck): Promise<Float32Array> {
  const written = join(check.work.output, 'model.onnx');
  await requireRegular(written, check);
  const own = await readPredictions(check);
  await rename(written, join(check.folder, 'model.onnx'));
  const session = await openOnnxSession(check.folder, check.signature);
  try {
    const exported = await answers(session, check.work.check, { check, sample: checkedRows, of: checkedRows });
    const { width } = outputOf(check.signature);
    requireSamePredictions(exported, own, toleranceOf(check, own), width);
    return await answers(session, check.work.training, { check, sample: sampledRows, of: check.rows });
  } finally {
    await session.close();
  }
}

async function requireRegular(file: string, { lastLines }: ModelCheck): Promise<void> {
  const found = await lstat(file).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (found === null)
    throw new CodedError(
      'TRAINING_FAILED',
      `The trainer ended with exit code 0 but wrote no model.onnx into its output folder. Write it, or exit with another code. ${lastLines === '' ? 'It said nothing.' : `Its last lines: ${lastLines}`}`,
      { details: { lines: lastLines } },
    );
  if (!found.isFile()) throw invalid('model.onnx is no regular file. Write the model itself, not a link or a folder');
  if (found.size >= mostModelBytes)
    throw invalid(
      `model.onnx has ${found.size} bytes, and an ONNX file of 2 GiB or more cannot be loaded. Train a smaller model`,
    );
}

async function answers(
  session: OnnxSession,
  file: string,
  { check, sample, of }: { readonly check: ModelCheck; readonly sample: number; readonly of: number },
): Promise<Float32Array> {
  const columns = await openDataColumns(file);
  const batches: Float32Array[] = [];
  try {
    for await (const rows of columns.rows(check.signature, sample, of)) {
      batches.push(await session.predict(rows));
      await setImmediate();
    }
  } finally {
    columns.close();
  }
  const all = new Float32Array(batches.reduce((sum, batch) => sum + batch.length, 0));
  let next = 0;
  for (const batch of batches) {
    all.set(batch, next);
    next += batch.length;
  }
  return all;
}

/** Numbers of a regression have any size: what may differ grows with the largest. */
function toleranceOf({ signature, tolerance }: ModelCheck, own: Float64Array): number {
  if (signature.target.task !== 'regression') return tolerance;
  return tolerance * own.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
}

async function readPredictions({ work, signature }: ModelCheck): Promise<Float64Array> {
  const { width } = outputOf(signature);
  const file = join(work.output, 'check-predictions.json');
  const rows: unknown = await readJson(file);
  if (!Array.isArray(rows)) throw invalid('check-predictions.json is no array of rows');
  const values = new Float64Array(rows.length * width);
  rows.forEach((row: unknown, index) => {
    if (!Array.isArray(row) || row.length !== width)
      throw invalid(`row ${index} of check-predictions.json is no array of ${width} number(s)`);
    row.forEach((value: unknown, column) => {
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw invalid(
          `row ${index} of check-predictions.json holds ${JSON.stringify(value)}, which is no finite number`,
        );
      values[index * width + column] = value;
    });
  });
  return values;
}

async function readJson(file: string): Promise<unknown> {
  try {
    const { size } = await lstat(file);
    if (size > mostPredictionBytes)
      throw invalid(`check-predictions.json has ${size} bytes, far more than the rows need`);
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw invalid(
        `check-predictions.json is no JSON (${error.message}). NaN and Infinity are none: predictions must be finite`,
        error,
      );
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw invalid("there is no check-predictions.json: write the trainer's own answers on the check rows", error);
    throw error;
  }
}

function invalid(reason: string, cause?: unknown): CodedError {
  return new CodedError('MODEL_INVALID', `What the trainer left does not hold up: ${reason}. Nothing was kept.`, {
    cause,
  });
}
