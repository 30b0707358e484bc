import { openAsBlob } from 'node:fs';
import {
  type ModelReference,
  packageFiles,
  packageFolder,
  packageManifestName,
  packageSignatureName,
} from '../../domain/model-package.ts';
import type { ModelVersion, Registry } from '../../domain/registry.ts';
import type { ObjectCache } from '../../stores/object-cache.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { readPackageManifest } from '../../stores/packages.ts';
import { listOf, member, type Place, tagOf, textOf } from './answers.ts';
import type { Json, MlflowClient } from './client.ts';
import { trainingIdentity } from './mlflow-run.ts';

type ModelParts = { readonly store: ObjectStore; readonly client: MlflowClient; readonly cache: ObjectCache };

/** A version with a package, and the run of MLflow that stands for its training. */
type Exported = { readonly reference: ModelReference; readonly version: ModelVersion; readonly place: Place };

const versionTag = 'perdura.modelVersion';
const statusTag = 'perdura.status';

/** Mirrors a model's versions whose training was exported, with their packages, their status and the aliases. */
export async function exportModel(
  parts: ModelParts,
  registry: Registry,
  trained: ReadonlyMap<string, Place>,
): Promise<{ readonly created: number; readonly already: number }> {
  const { client } = parts;
  const name = registry.model;
  const ready = registry.versions.flatMap((version) => exportable(name, version, trained));
  const model = await client.find('registered-models/get', { name });
  if (ready.length === 0 && model === null) return { created: 0, already: 0 };
  if (model === null) await client.call('POST', 'registered-models/create', { name });
  const numbers = new Map<string, string>();
  for (const there of await standingVersions(client, name)) {
    const modelVersion = tagOf(there, versionTag) ?? '';
    numbers.set(modelVersion, textOf(there, 'version'));
    await updateStatus(client, there, registry.versions.find((each) => each.modelVersion === modelVersion)?.status);
  }
  const missing = ready.filter(({ version }) => !numbers.has(version.modelVersion));
  for (const one of missing) numbers.set(one.version.modelVersion, await createVersion(parts, one));
  const before = model === null ? [] : listOf(member(model, 'registered_model'), 'aliases');
  await moveAliases(client, registry, { numbers, before: before.map((each) => textOf(each, 'alias')) });
  return { created: missing.length, already: ready.length - missing.length };
}

function exportable(model: string, version: ModelVersion, trained: ReadonlyMap<string, Place>): readonly Exported[] {
  const { modelVersion, packageDigest, run } = version;
  const place = trained.get(trainingIdentity(run, trainingStep(version)));
  if (packageDigest === null || place === undefined) return [];
  return [{ reference: { model, modelVersion, packageDigest }, version, place }];
}

async function standingVersions(client: MlflowClient, name: string): Promise<readonly Json[]> {
  const found: Json[] = [];
  for (let token = ''; ;) {
    const query = { filter: `name = '${name}'`, max_results: '1000', ...(token === '' ? {} : { page_token: token }) };
    const page = (await client.find('model-versions/search', query)) ?? {};
    found.push(...listOf(page, 'model_versions').filter((each) => tagOf(each, versionTag) !== null));
    token = typeof page['next_page_token'] === 'string' ? page['next_page_token'] : '';
    if (token === '') return found;
  }
}

async function updateStatus(client: MlflowClient, there: Json, status: string | undefined): Promise<void> {
  if (status === undefined || tagOf(there, statusTag) === status) return;
  const [name, version] = [textOf(there, 'name'), textOf(there, 'version')];
  await client.call('POST', 'model-versions/set-tag', { name, version, key: statusTag, value: status });
}

/** An alias that points nowhere any more, or to what MLflow does not have, is taken away: a stale champion is worse than none. */
async function moveAliases(
  client: MlflowClient,
  { model: name, aliases }: Registry,
  { numbers, before }: { readonly numbers: ReadonlyMap<string, string>; readonly before: readonly string[] },
): Promise<void> {
  for (const alias of ['champion', 'challenger'] as const) {
    const version = numbers.get(aliases[alias] ?? '');
    if (version !== undefined) await client.call('POST', 'registered-models/alias', { name, alias, version });
    else if (before.includes(alias)) await client.call('DELETE', 'registered-models/alias', { name, alias });
  }
}

/** The files of the package lie in a folder of their own, so that they can be held against their signature there. */
async function createVersion(
  { client, store, cache }: ModelParts,
  { reference, version, place }: Exported,
): Promise<string> {
  const { runId, artifactUri } = place;
  const put = (file: string, body: Blob) => client.putArtifact(artifactUri, `model/${file}`, body);
  const folder = packageFolder(reference);
  const manifest = await readPackageManifest(store, reference);
  for (const name of packageFiles) {
    const { key, s3VersionId } = await store.head(`${folder}${name}`);
    const path = await cache.localFile({ key, s3VersionId, ...manifest.files[name] });
    await put(`package/${name}`, await openAsBlob(path));
  }
  for (const name of [packageManifestName, packageSignatureName])
    await put(`package/${name}`, new Blob([(await store.read(`${folder}${name}`)).bytes]));
  await put('MLmodel', new Blob([mlmodelText(version, runId)]));
  const made = await client.call('POST', 'model-versions/create', {
    name: reference.model,
    source: `${artifactUri}/model`,
    run_id: runId,
    description: version.about?.intendedUse ?? '',
    tags: [
      { key: versionTag, value: version.modelVersion },
      { key: 'perdura.semanticVersion', value: version.semanticVersion },
      { key: 'perdura.packageDigest', value: reference.packageDigest },
      { key: statusTag, value: version.status },
    ],
  });
  return textOf(member(made, 'model_version'), 'version');
}

/** MLflow's description of a folder with a model in it, https://mlflow.org/docs/latest/ml/model/#storage-format. */
function mlmodelText({ createdAt }: ModelVersion, runId: string): string {
  const created = createdAt.replace('T', ' ').replace('Z', '');
  return [
    'artifact_path: model',
    'flavors:',
    '  onnx:',
    '    data: package/model.onnx',
    '    providers:',
    '    - CPUExecutionProvider',
    `run_id: ${runId}`,
    `utc_time_created: '${created}'`,
    '',
  ].join('\n');
}

/** The step that trained a version, by the place of its training record. */
function trainingStep({ lineage, run }: ModelVersion): string {
  const marker = `/${run.runId}/artifacts/`;
  const rest = lineage.record.key.slice(lineage.record.key.indexOf(marker) + marker.length);
  return rest.replace(/(?:\/attempt-\d+)?\/[^/]*$/, '');
}
