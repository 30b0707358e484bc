import type { ModelReference, PackageFile } from '../../domain/model-package.ts';
import type { RunKey } from '../../domain/run.ts';
import type { TrainedModel } from '../../domain/trainer.ts';
import type { TrainingDependencies } from './dependencies.ts';
import { packageFiles } from '../../domain/model-package.ts';
import { createObjectCache } from '../../stores/object-cache.ts';
import { writePackage } from '../../stores/packages.ts';
import { completeVersion, reserveVersion } from '../../stores/registry.ts';

/**
 * Gives a trained model the next version: reserves it, writes the package, marks it ready. A repeated attempt finds its own reservation by
 * `registrationId`, so that a version is never given twice.
 */
export async function registerModel(
  dependencies: TrainingDependencies,
  request: { readonly run: RunKey; readonly registrationId: string; readonly trained: TrainedModel },
): Promise<ModelReference> {
  const { store } = dependencies;
  const { model, data, files } = request.trained;
  const reserved = await reserveVersion(store, model, {
    registrationId: request.registrationId,
    run: request.run,
    data,
    createdAt: dependencies.now(),
  });
  const cache = createObjectCache(store, dependencies.cacheFolder);
  const local = await Promise.all(
    packageFiles.map(async (name): Promise<[PackageFile, string]> => [name, await cache.localFile(files[name])]),
  );
  const reference = await writePackage(
    store,
    { model, modelVersion: reserved.modelVersion },
    Object.fromEntries(local) as Record<PackageFile, string>,
  );
  await completeVersion(store, model, reserved.modelVersion, reference.packageDigest);
  return reference;
}
