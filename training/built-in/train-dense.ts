import { CodedError } from '../../domain/errors.ts';
import type { FeatureModule } from '../../domain/features.ts';
import type { EpochMetrics, TrainerSpec } from '../../domain/trainer.ts';
import { loadFeatureModule } from '../../stores/feature-module.ts';
import type { DenseModel } from '../dense-model.ts';
import { withRows } from '../with-rows.ts';
import { encodeDenseModel } from '../onnx/dense-graph.ts';
import type { TrainingJob, TrainingResult } from '../training-job.ts';
import { exportedPredictions } from './exported-predictions.ts';
import { fit } from './fit.ts';
import { writePackageFiles } from './package-files.ts';
import { trainingProfile } from './profile.ts';
import { fitStandardisation } from './standardisation.ts';
import { readTrainingTable, type TrainingTable } from './training-table.ts';
import { startWasmBackend } from './wasm-backend.ts';

/**
 * Trains a feed-forward network and writes its package. Same rows, features, settings and seed: same bytes.
 * The files appear only after the exported model was held against the trained one.
 *
 * @throws CodedError INPUT_INVALID, DATA_UNREADABLE, FEATURES_INVALID, TRAINING_FAILED, MODEL_INVALID or DISK_FULL.
 */
export async function trainDense(
  job: TrainingJob,
  options: { readonly now: () => number; readonly onEpoch: (epoch: EpochMetrics) => void },
): Promise<TrainingResult> {
  requireUsable(job.trainer, job.seed);
  const features = await loadFeatureModule(job.featuresFile);
  const table = await readTable(job, features);
  const standardisation = fitStandardisation(table);
  await startWasmBackend();
  const epochs: EpochMetrics[] = [];
  const weights = await fit(table, {
    standardisation,
    trainer: job.trainer,
    seed: job.seed,
    now: options.now,
    onEpoch(epoch) {
      epochs.push(epoch);
      options.onEpoch(epoch);
    },
  });
  const model: DenseModel = { names: table.names, standardisation, vocabularies: table.vocabularies, weights };
  const onnx = encodeDenseModel(model);
  const profile = trainingProfile(table, await exportedPredictions(onnx, model, table));
  const signature = { ...table.names, record: features.record, target: job.target };
  const files = await writePackageFiles({
    folder: job.outputFolder,
    featuresFile: job.featuresFile,
    onnx,
    signature,
    profile,
  });
  return { files, signature, epochs, rows: { trained: table.rows, skipped: table.skipped } };
}

/** The scan is over before training starts, and gives its memory back. */
function readTable(job: TrainingJob, features: FeatureModule): Promise<TrainingTable> {
  const options = { dataset: job.dataset, workFolder: job.outputFolder, memoryLimit: '256MiB' };
  return withRows({ ...job, features }, options, readTrainingTable);
}

function requireUsable(trainer: TrainerSpec, seed: number): void {
  const atLeastOne = { epochs: trainer.epochs, batchSize: trainer.batchSize, embedding: trainer.embedding };
  const problems = [
    ...Object.entries(atLeastOne)
      .filter(([, value]) => !Number.isInteger(value) || value < 1)
      .map(([name, value]) => `${name} must be a whole number from 1, got ${value}`),
    ...trainer.hidden
      .filter((width) => !Number.isInteger(width) || width < 1)
      .map((width) => `hidden widths must be whole numbers from 1, got ${width}`),
    ...(trainer.learningRate > 0 && Number.isFinite(trainer.learningRate)
      ? []
      : [`learningRate must be above 0, got ${trainer.learningRate}`]),
    ...(Number.isSafeInteger(seed) ? [] : [`seed must be a whole number, got ${seed}`]),
  ];
  if (problems.length > 0)
    throw new CodedError('INPUT_INVALID', `The trainer's settings do not hold up: ${problems.join('; ')}.`);
}
