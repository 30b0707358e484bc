import { join } from 'node:path';
import type { FeatureModule } from '../../domain/features.ts';
import type { Signature } from '../../domain/model-package.ts';
import type { DenseTrainer } from '../../domain/trainer.ts';
import { loadFeatureModule } from '../../stores/feature-module.ts';
import type { DenseModel } from '../dense-model.ts';
import { encodeDenseModel } from '../onnx/dense-graph.ts';
import { writePackageFiles } from '../package-files.ts';
import { trainingProfile } from '../profile.ts';
import type { TrainingEvents, TrainingJob, TrainingResult } from '../training-job.ts';
import { readTrainingTable, type TrainingTable } from '../training-table.ts';
import { withRows } from '../with-rows.ts';
import { resumeFrom, trainingDigest, writeCheckpoint } from './checkpoint.ts';
import { exportedPredictions } from './exported-predictions.ts';
import { fit } from './fit.ts';
import { beginFit, type FitState } from './fit-state.ts';
import { planLabels } from './label-plan.ts';
import { requireUsable } from './settings.ts';
import { fitStandardisation } from './standardisation.ts';
import { withUnseenValues } from './unseen-values.ts';
import { startWasmBackend } from './wasm-backend.ts';

/** A job of the built-in trainer. */
export type DenseJob = TrainingJob & { readonly trainer: DenseTrainer };

/** `now` is a clock in milliseconds, for `elapsedMs` only. */
export type DenseOptions = TrainingEvents & { readonly now: () => number };

/**
 * Trains a feed-forward network and writes its package. Same rows, features, settings and seed: same bytes, also when it went on from a
 * checkpoint. The files appear only after the exported model was held against the trained one. Metrics: `loss` of each epoch, with early
 * stopping also `validationLoss`.
 *
 * @throws CodedError INPUT_INVALID, DATA_UNREADABLE, FEATURES_INVALID, TRAINING_FAILED, MODEL_INVALID or DISK_FULL.
 */
export async function trainDense(job: DenseJob, options: DenseOptions): Promise<TrainingResult> {
  requireUsable(job.trainer, job.seed);
  const features = await loadFeatureModule(job.featuresFile);
  const table = await readTable(job, features);
  options.onProgress(`${table.rows} rows read`);
  await startWasmBackend();
  const { model, state } = await fitModel(table, job, options);
  const signature: Signature = {
    ...table.names,
    record: features.record,
    target: job.target,
    ...(table.classes === null ? {} : { classes: table.classes }),
  };
  const onnx = encodeDenseModel(model);
  const profile = trainingProfile(table, await exportedPredictions(onnx, { model, table, signature }));
  const { featuresFile, outputFolder: folder } = job;
  const files = await writePackageFiles({ folder, featuresFile, onnx, signature, profile });
  const used = process.resourceUsage();
  return {
    files,
    signature,
    rows: { trained: table.rows, skipped: table.skipped },
    summary: summaryOf(state),
    python: null,
    artifacts: [],
    usage: { cpuSeconds: (used.userCPUTime + used.systemCPUTime) / 1e6, peakMemoryMiB: used.maxRSS / 1024 },
  };
}

/** The scan is over before training starts, and gives its memory back. */
function readTable(job: TrainingJob, features: FeatureModule): Promise<TrainingTable> {
  const options = { dataset: job.dataset, workFolder: job.outputFolder, memoryLimit: '256MiB' };
  return withRows({ ...job, features }, options, readTrainingTable);
}

async function fitModel(
  table: TrainingTable,
  job: DenseJob,
  options: DenseOptions,
): Promise<{ readonly model: DenseModel; readonly state: FitState }> {
  const { trainer } = job;
  const began = options.now();
  const training = trainingDigest(table, trainer, job.seed);
  const { state, learned, heldOut } = beginFit(table, trainer, job.seed);
  const standardisation = fitStandardisation(table, learned);
  const plan = planLabels(table, trainer, learned);
  await resume(job, state, training, options);
  const metric = (name: string, step: number, value: number) =>
    options.onMetric({ name, step, value, elapsedMs: Math.round(options.now() - began) });
  const fitted = await fit(
    table,
    {
      standardisation,
      plan,
      trainer,
      heldOut,
      onEpoch({ epoch, loss, validationLoss }) {
        metric('loss', epoch, loss);
        if (validationLoss !== null) metric('validationLoss', epoch, validationLoss);
      },
      async onState(reached) {
        const file = join(job.checkpointFolder, `epoch-${reached.epoch}.checkpoint`);
        await writeCheckpoint(file, reached, training);
        options.onCheckpoint({ step: reached.epoch, file });
      },
    },
    state,
  );
  const weights = withUnseenValues(fitted, table, learned);
  const { names, vocabularies } = table;
  return { model: { names, standardisation, vocabularies, weights, output: plan.output }, state };
}

/** A checkpoint that is of no use costs time, not the training. */
async function resume(job: DenseJob, state: FitState, training: string, options: DenseOptions): Promise<void> {
  if (job.resume === null) return;
  const problem = await resumeFrom(job.resume.file, state, training, job.trainer.epochs);
  options.onProgress(
    problem === null
      ? `goes on after epoch ${state.epoch}`
      : `begins anew: the checkpoint ${job.resume.file} is of no use, ${problem}`,
  );
}

function summaryOf({ epoch, loss, best }: FitState): string {
  const told = `${epoch} epochs, loss ${loss?.toFixed(4) ?? 'unknown'}`;
  return best === null
    ? told
    : `${told}, best after epoch ${best.epoch} with ${best.loss.toFixed(4)} on the rows held out`;
}
