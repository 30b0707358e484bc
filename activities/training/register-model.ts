import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lineage, ModelAbout } from '../../domain/registry.ts';
import type { RunKey } from '../../domain/run.ts';
import type { TrainedModel } from '../../domain/trainer.ts';
import type { TrainingDependencies } from './dependencies.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import {
  type ModelReference,
  outputOf,
  type PackageFile,
  packageFiles,
  type Signature,
} from '../../domain/model-package.ts';
import { sha256Hex } from '../../stores/digest.ts';
import { createObjectCache } from '../../stores/object-cache.ts';
import { writePackage } from '../../stores/packages.ts';
import { completeVersion, reserveVersion } from '../../stores/registry.ts';
import { readRun } from '../../stores/runs.ts';
import { openTrustedSigningKey } from '../../stores/signing/trusted-keys.ts';
import { openOnnxSession } from '../../training/onnx-session.ts';

type Registration = {
  readonly run: RunKey;
  readonly registrationId: string;
  readonly trained: TrainedModel;
  readonly about?: ModelAbout;
};

/** What a registration needs of it. */
export type RegistrationDependencies = Pick<
  TrainingDependencies,
  'store' | 'cacheFolder' | 'packages' | 'keysFolder' | 'workFolder' | 'now'
>;

type LocalFiles = Readonly<Record<PackageFile, string>>;

/**
 * Gives a trained model the next version: reserves it, writes its signed package, marks it ready. What would not load, or would not be
 * trusted where it is registered, gets no version. A repeated attempt finds its own reservation by `registrationId`, so that a version is
 * never given twice.
 *
 * @throws CodedError MODEL_INVALID; PACKAGE_UNSIGNED when this worker's own key is not among the trusted ones.
 */
export async function registerModel(
  dependencies: RegistrationDependencies,
  request: Registration,
): Promise<ModelReference> {
  const { store } = dependencies;
  const { model, data } = request.trained;
  const key = await openTrustedSigningKey(dependencies.keysFolder, dependencies.packages.trusted, 'PACKAGE_UNSIGNED');
  const lineage = await lineageOf(dependencies, request);
  const files = await localFiles(dependencies, request.trained);
  await requireLoads(dependencies, files, request.trained.signature);
  const reserved = await reserveVersion(store, model, {
    registrationId: request.registrationId,
    run: request.run,
    data,
    lineage,
    about: request.about ?? null,
    createdAt: dependencies.now(),
  });
  const reference = await writePackage(store, { model, modelVersion: reserved.modelVersion }, files, key);
  await completeVersion(store, model, reserved.modelVersion, reference.packageDigest);
  return reference;
}

/**
 * What goes in and what comes out, as a digest: who sends records or reads answers may break where it changes. The target's condition is in
 * it, because an answer that means something else is another answer.
 */
export function interfaceDigest(signature: Signature): string {
  const { record, numbers, categories, target, classes = null } = signature;
  return sha256Hex(canonicalJson({ record, numbers, categories, output: outputOf(signature), target, classes }));
}

async function lineageOf({ store }: RegistrationDependencies, { run, trained }: Registration): Promise<Lineage> {
  const { start } = await readRun(store, run);
  return {
    trainer: trained.trainer,
    seed: trained.seed,
    featuresSha256: trained.files['features.mjs'].sha256,
    interfaceSha256: interfaceDigest(trained.signature),
    modelSha256: trained.files['model.onnx'].sha256,
    environment: start.environment,
    record: trained.record,
  };
}

async function localFiles(dependencies: RegistrationDependencies, { files }: TrainedModel): Promise<LocalFiles> {
  const cache = createObjectCache(dependencies.store, dependencies.cacheFolder);
  const local = await Promise.all(
    packageFiles.map(async (name): Promise<[PackageFile, string]> => [name, await cache.localFile(files[name])]),
  );
  return Object.fromEntries(local) as Record<PackageFile, string>;
}

/** The trainer's own check was on its machine; this one is on the bytes that are registered, with the ONNX Runtime that will serve them. */
async function requireLoads(
  { workFolder }: RegistrationDependencies,
  files: LocalFiles,
  signature: Signature,
): Promise<void> {
  await mkdir(workFolder, { recursive: true });
  const folder = await mkdtemp(join(workFolder, 'register-'));
  try {
    await symlink(files['model.onnx'], join(folder, 'model.onnx'));
    await (await openOnnxSession(folder, signature)).close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
