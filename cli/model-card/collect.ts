import { CodedError } from '../../domain/errors.ts';
import type { ModelCard } from '../../domain/model-card.ts';
import { outputOf, packageFolder, type Signature } from '../../domain/model-package.ts';
import type { Alias, ModelVersion, Registry } from '../../domain/registry.ts';
import type { RunOutcome } from '../../domain/run.ts';
import type { TrainingRecord } from '../../domain/training-record.ts';
import { sha256Hex } from '../../stores/digest.ts';
import { parseDocument } from '../../stores/documents.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { readPackageManifest } from '../../stores/packages.ts';
import { readRun } from '../../stores/runs.ts';
import { readTrainingRecord } from '../../stores/training-records.ts';
import { limitsOf } from './limits.ts';

/**
 * Puts a version's card together from the bucket: registry, package, training record, and the decisions of its run. What has a digest is held
 * against it.
 *
 * @throws CodedError NOT_FOUND when its package is not there yet, or when it, the training record or the run is gone; PACKAGE_ALTERED,
 * EVIDENCE_ALTERED when other bytes stand there.
 */
export async function collectCard(store: ObjectStore, registry: Registry, version: ModelVersion): Promise<ModelCard> {
  const { modelVersion, lineage, about } = version;
  const signature = await signatureOf(store, registry.model, version);
  const record = await readTrainingRecord(store, lineage.record);
  const { outcome } = await readRun(store, version.run);
  const decisions = outcome?.decisions ?? [];
  return {
    model: registry.model,
    modelVersion,
    semanticVersion: version.semanticVersion,
    status: version.status,
    aliases: aliasesOf(registry, modelVersion),
    createdAt: version.createdAt,
    packageDigest: version.packageDigest,
    about,
    target: signature.target,
    classes: signature.classes ?? null,
    record: signature.record,
    features: { numbers: signature.numbers, categories: signature.categories },
    output: outputOf(signature),
    data: { ...version.data, ...record.rows },
    training: {
      metrics: record.metrics,
      hardware: record.hardware,
      usage: record.usage,
      cost: record.cost,
      python: record.python,
      cache: record.cache,
    },
    decisions,
    moves: registry.moves.filter(({ from, to }) => from === modelVersion || to === modelVersion),
    run: version.run,
    lineage,
    limits: limitsOf(decisions, version.reason),
    unknown: unknownOf(version, record, outcome),
  };
}

function unknownOf(version: ModelVersion, record: TrainingRecord, outcome: RunOutcome | null): readonly string[] {
  const { about, lineage } = version;
  return [
    ...(about === null ? ['Its author has not said what it is for: `about` of the train step.'] : []),
    ...(about !== null && about.limitations === undefined ? ['Its author has named no limitations.'] : []),
    ...(outcome === null ? ['The run that trained it has not ended, or its end was never recorded.'] : []),
    ...(outcome !== null && outcome.decisions.length === 0 ? ['It was never evaluated.'] : []),
    ...(record.cost === null ? ['What it cost: the project has no prices.json.'] : []),
    ...(lineage.environment.gitCommit === null ? ['The commit of its code: the project was not in git.'] : []),
    ...(lineage.environment.lockfileSha256 === null ? ['Its dependencies: the project had no lockfile.'] : []),
  ];
}

function aliasesOf({ aliases }: Registry, modelVersion: string): readonly Alias[] {
  return (['champion', 'challenger'] as const).filter((alias) => aliases[alias] === modelVersion);
}

async function signatureOf(store: ObjectStore, model: string, version: ModelVersion): Promise<Signature> {
  const { modelVersion, packageDigest } = version;
  if (packageDigest === null)
    throw new CodedError(
      'NOT_FOUND',
      `Version ${modelVersion} of model '${model}' is ${version.status} and has no package, so there is no card. Take another version; see 'perdura models ${model}'.`,
      { details: { model, modelVersion } },
    );
  const manifest = await readPackageManifest(store, { model, modelVersion, packageDigest });
  const key = `${packageFolder({ model, modelVersion })}signature.json`;
  const { bytes } = await store.read(key);
  if (sha256Hex(bytes) === manifest.files['signature.json'].sha256) return parseDocument<Signature>(key, bytes);
  throw new CodedError(
    'PACKAGE_ALTERED',
    `${key} is not what the package was written with, so there is no card. Restore the object from its older versions.`,
    { details: { key } },
  );
}
