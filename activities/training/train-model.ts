import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectPin } from '../../domain/snapshot.ts';
import type { TrainedModel } from '../../domain/trainer.ts';
import type { TrainingRequest } from './contract.ts';
import type { TrainingDependencies } from './dependencies.ts';
import { type PackageFile, packageFiles } from '../../domain/model-package.ts';
import { runFolder } from '../../domain/run.ts';
import { pinFileOnce } from '../../stores/artifacts.ts';
import { keepFirstDocument, readDocument } from '../../stores/documents.ts';
import { trainInChild } from '../../training/train.ts';
import { openSlice } from '../../stores/slices.ts';

/**
 * Trains in a child process and keeps the result under the run's folder. `trained.json` is written last: an attempt that finds it returns it,
 * an attempt that does not trains again to the same bytes. Idempotent by run and stepId.
 */
export async function trainModel(dependencies: TrainingDependencies, request: TrainingRequest): Promise<TrainedModel> {
  const folder = `${runFolder(request.run)}artifacts/${request.stepId}/`;
  const done = await readDocument<TrainedModel>(dependencies.store, `${folder}trained.json`);
  if (done !== null) return done.value;

  await mkdir(dependencies.workFolder, { recursive: true });
  // Of its own: an attempt that was taken for dead may still be at work.
  const scratch = await mkdtemp(join(dependencies.workFolder, `${request.run.runId}-${request.stepId}-`));
  try {
    const trained = await attempt(dependencies, request, { folder, scratch });
    // Of two attempts at once the first to write is the one: they trained the same bytes and differ in their timings alone.
    return await keepFirstDocument(dependencies.store, `${folder}trained.json`, trained);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function attempt(
  dependencies: TrainingDependencies,
  request: TrainingRequest,
  places: { readonly folder: string; readonly scratch: string },
): Promise<TrainedModel> {
  const beat = dependencies.beat();
  const began = Date.now();
  const featuresFile = join(places.scratch, 'features.mjs');
  await dependencies.bundleFeatures(request.features, featuresFile);
  const { parquetFiles, where } = await openSlice(dependencies, request.data);
  const { target, trainer, seed } = request;
  const result = await trainInChild(
    {
      parquetFiles,
      where,
      dataset: request.data.snapshot.dataset,
      featuresFile,
      target,
      trainer,
      seed,
      outputFolder: join(places.scratch, 'package'),
    },
    {
      signal: beat.signal,
      onEpoch: (epoch) =>
        beat.note(`epoch ${epoch.epoch} of ${trainer.epochs}: ${epoch.rows} rows, loss ${epoch.loss.toFixed(4)}`),
    },
  );
  const pins = await Promise.all(
    packageFiles.map(async (name): Promise<[PackageFile, ObjectPin]> => [
      name,
      await pinFileOnce(dependencies.store, `${places.folder}${name}`, result.files[name]),
    ]),
  );
  return {
    model: request.model,
    signature: result.signature,
    trainer,
    seed,
    data: request.data,
    files: Object.fromEntries(pins) as Record<PackageFile, ObjectPin>,
    epochs: result.epochs,
    elapsedMs: Date.now() - began,
  };
}
