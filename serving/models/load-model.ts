import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { canonicalJson } from '../../domain/canonical-json.ts';
import type { EncodedRows } from '../../domain/features.ts';
import { type ModelReference, outputOf, type Signature } from '../../domain/model-package.ts';
import { loadFeatureModule } from '../../stores/feature-module.ts';
import { cannotAnswer, checkSignature } from './check-signature.ts';
import { requireVideoMemory } from './cuda.ts';
import { inChunks } from './chunks.ts';
import type { LoadedModel, ModelRun } from './loaded-model.ts';
import type { ModelPlan } from './model-plan.ts';

/** What loading needs of a plan. */
export type LoadPlan = Pick<ModelPlan, 'provider' | 'threads' | 'maxRows'> & {
  readonly measured: Pick<ModelPlan['measured'], 'memoryBytes'>;
};

/** A package's own part of a run: its native session, and what goes in and comes out. */
type Loaded = {
  readonly reference: ModelReference;
  readonly session: InferenceSession;
  readonly numbers: number;
  readonly categories: number;
  readonly output: string;
  /** The same as a list, for the session. */
  readonly outputs: readonly string[];
  readonly width: number;
};

/**
 * Loads a package from a local folder and answers one made-up row with it, so that the first real request pays for no allocation.
 *
 * @throws CodedError MODEL_INVALID when the model does not load or is not what its signature says; FEATURES_INVALID;
 * DEVICE_MEMORY_EXHAUSTED when the GPU that the plan names has no room for it.
 */
export async function loadModel(reference: ModelReference, folder: string, plan: LoadPlan): Promise<LoadedModel> {
  const { signature, features } = await loadOutside(reference, folder);
  const session = await openSession(reference, join(folder, 'model.onnx'), plan);
  try {
    checkSignature(reference, session, signature);
    const { name, width } = outputOf(signature);
    const loaded: Loaded = {
      reference,
      session,
      numbers: signature.numbers.length,
      categories: signature.categories.length,
      output: name,
      outputs: [name],
      width,
    };
    await warm(loaded);
    const { maxRows } = plan;
    return {
      reference,
      signature,
      features,
      run: (rows) => (rows.rows > maxRows ? inChunks(rows, maxRows, (part) => run(loaded, part)) : run(loaded, rows)),
      close: () => session.release(),
    };
  } catch (error) {
    await session.release();
    throw error;
  }
}

/**
 * Loads what of a package is not the model: its signature and its feature functions.
 *
 * @throws CodedError MODEL_INVALID when the two are of different records; FEATURES_INVALID.
 */
export async function loadOutside(
  reference: ModelReference,
  folder: string,
): Promise<Pick<LoadedModel, 'signature' | 'features'>> {
  const signature = JSON.parse(await readFile(join(folder, 'signature.json'), 'utf8')) as Signature;
  const features = await loadFeatureModule(join(folder, 'features.mjs'));
  if (canonicalJson(features.record) !== canonicalJson(signature.record)) {
    throw cannotAnswer(reference, 'its features.mjs takes another record than its signature.json says');
  }
  return { signature, features };
}

async function openSession(reference: ModelReference, file: string, plan: LoadPlan): Promise<InferenceSession> {
  if (plan.provider === 'cuda') await requireVideoMemory(reference, plan.measured.memoryBytes);
  try {
    return await InferenceSession.create(file, {
      executionProviders: [plan.provider],
      intraOpNumThreads: plan.threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    });
  } catch (error) {
    throw cannotAnswer(reference, `ONNX Runtime does not load it (${(error as Error).message})`, error);
  }
}

/** The made-up row only warms: an unknown category or a zero may well give no finite probability. */
async function warm(loaded: Loaded): Promise<void> {
  const { numbers, categories, reference } = loaded;
  const row = {
    rows: 1,
    numbers: new Float32Array(numbers),
    categories: Array.from({ length: categories }, () => ''),
  };
  try {
    await loaded.session.run(feeds(loaded, row), loaded.outputs);
  } catch (error) {
    throw cannotAnswer(reference, `it does not answer a row of its own signature (${(error as Error).message})`, error);
  }
}

function feeds(loaded: Loaded, rows: EncodedRows): Record<string, Tensor> {
  const { numbers, categories } = loaded;
  const given: Record<string, Tensor> = {};
  if (numbers > 0) given['numbers'] = new Tensor('float32', rows.numbers, [rows.rows, numbers]);
  if (categories > 0) given['categories'] = new Tensor('string', rows.categories, [rows.rows, categories]);
  return given;
}

async function run(loaded: Loaded, rows: EncodedRows): Promise<ModelRun> {
  const { reference, session, output, width } = loaded;
  const clock = { startedAt: 0 };
  // The session computes in an immediate of its own, after those of other callers: the one before it starts the clock.
  setImmediate(startClock, clock);
  let answered: InferenceSession.OnnxValueMapType;
  try {
    answered = await session.run(feeds(loaded, rows), loaded.outputs);
  } catch (error) {
    throw cannotAnswer(reference, `it failed on a row (${(error as Error).message})`, error);
  }
  const computeMs = performance.now() - clock.startedAt;
  const data = answered[output]?.data;
  if (!(data instanceof Float32Array) || data.length !== rows.rows * width) {
    throw cannotAnswer(reference, `it did not answer ${width} float32 of '${output}' a row`);
  }
  requireNumbers(reference, data);
  return { outputs: data, computeMs };
}

/** By index: an iterator over one number costs more than the number. */
function requireNumbers(reference: ModelReference, data: Float32Array): void {
  for (let at = 0; at < data.length; at += 1) {
    if (!Number.isFinite(data[at])) throw cannotAnswer(reference, `it answered ${String(data[at])}`);
  }
}

function startClock(clock: { startedAt: number }): void {
  clock.startedAt = performance.now();
}
