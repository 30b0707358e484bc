import type { PastValues } from '../../domain/aggregate.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';
import { type EncodedRows, encodeRows, type FeatureRow, parseRecord, type RawRecord } from '../../domain/features.ts';
import { outputOf, type Signature } from '../../domain/model-package.ts';
import type { LoadedModel, ModelRun } from '../models/loaded-model.ts';
import type { Tracing } from '../observe/tracing.ts';
import { answerOf, type RowAnswer } from './answer.ts';
import type { Input } from './call.ts';
import type { PastLookup } from './past-lookup.ts';

/** What a model made of a request. Where it failed, `features` are those that it got to, and `error` says why. */
export type Computed = {
  readonly features: readonly FeatureRow[];
  readonly run: ModelRun | null;
  readonly answers: readonly RowAnswer[];
  readonly error: CodedError | null;
};

export type ComputeOptions = {
  readonly past: PastLookup;
  readonly tracing: Tracing | null;
  readonly rowsPerRequest: number;
};

/**
 * Takes a request through one package: parsing, its aggregates as of each record's time, its own feature function, its model. Never throws:
 * what goes wrong is part of the log.
 */
export async function compute(
  model: LoadedModel,
  input: Input,
  { past, tracing, rowsPerRequest }: ComputeOptions,
): Promise<Computed> {
  let features: FeatureRow[] = [];
  try {
    if (input.kind === 'records') requireFewRows(input.records.length, rowsPerRequest);
    let encoded: EncodedRows;
    if (input.kind === 'tensors') {
      encoded = input.encode(model.signature);
      requireFewRows(encoded.rows, rowsPerRequest);
      features = featuresOf(model.signature, encoded);
    } else {
      const { records } = input;
      input.check?.(model.signature);
      features =
        tracing === null
          ? await featuresOfRecords(past, model, records)
          : await tracing.part('features', () => featuresOfRecords(past, model, records));
      encoded = encodeRows(model.signature, features);
    }
    const run = tracing === null ? await model.run(encoded) : await tracing.part('run', () => model.run(encoded));
    return { features, run, answers: answersOf(model.signature, run.outputs, encoded.rows), error: null };
  } catch (error) {
    return { features, run: null, answers: [], error: toCoded(model, error) };
  }
}

/** The features of raw records, as the package computes them. @throws CodedError INPUT_INVALID, FEATURES_INVALID, SERVICE_UNAVAILABLE. */
async function featuresOfRecords(
  past: PastLookup,
  model: LoadedModel,
  records: readonly unknown[],
): Promise<FeatureRow[]> {
  const parsed = records.map((record) => parseRecord(model.features.record, record));
  // Without aggregates there is nothing to wait for.
  if (model.features.aggregates === null) return parsed.map((record) => applyFeatures(model, record, nothing));
  return Promise.all(parsed.map(async (record) => applyFeatures(model, record, await past.of(model, record))));
}

/** The inputs of a model by their names, row by row. */
export function featuresOf(signature: Signature, { rows, numbers, categories }: EncodedRows): FeatureRow[] {
  const all: FeatureRow[] = [];
  const [width, labels] = [signature.numbers.length, signature.categories.length];
  for (let row = 0; row < rows; row += 1) {
    const features: Record<string, number | string> = {};
    for (let at = 0; at < width; at += 1) features[signature.numbers[at] ?? ''] = numbers[row * width + at] ?? 0;
    for (let at = 0; at < labels; at += 1)
      features[signature.categories[at] ?? ''] = categories[row * labels + at] ?? '';
    all.push(features);
  }
  return all;
}

/** The answers of a run, row by row. @throws CodedError MODEL_INVALID. */
export function answersOf(signature: Signature, outputs: Float32Array, rows: number): readonly RowAnswer[] {
  if (rows === 1) return [answerOf(signature, outputs)];
  const { width } = outputOf(signature);
  return Array.from({ length: rows }, (_, row) =>
    answerOf(signature, outputs.subarray(row * width, (row + 1) * width)),
  );
}

const nothing: PastValues = {};

function requireFewRows(rows: number, most: number): void {
  if (rows <= most) return;
  throw new CodedError(
    'INPUT_INVALID',
    `A request may hold ${most} rows on this endpoint, this one holds ${rows}. Send fewer at a time.`,
    { details: { field: 'inputs' } },
  );
}

function applyFeatures(model: LoadedModel, record: RawRecord, past: PastValues): FeatureRow {
  try {
    const features: unknown = model.features.features(record, past);
    if (typeof features !== 'object' || features === null) throw new TypeError(`it returned ${String(features)}`);
    return features as FeatureRow;
  } catch (error) {
    const { model: name, modelVersion } = model.reference;
    throw new CodedError(
      'FEATURES_INVALID',
      `The feature function of ${name} version ${modelVersion} failed: ${String(error)}. Correct the pipeline's features.ts.`,
      { cause: error },
    );
  }
}

function toCoded({ reference }: LoadedModel, error: unknown): CodedError {
  if (isCoded(error)) return error;
  const message = `Model ${reference.model} version ${reference.modelVersion} failed: ${String(error)}. Look at the server's log.`;
  return new CodedError('MODEL_INVALID', message, { cause: error });
}
