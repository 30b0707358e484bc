import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { canonicalJson } from '../domain/canonical-json.ts';
import { CodedError, isCoded } from '../domain/errors.ts';
import {
  type ModelReference,
  type PackageFile,
  type PackageManifest,
  packageFiles,
  packageFolder,
} from '../domain/model-package.ts';
import { sha256File, sha256Hex } from './digest.ts';
import { parseDocument, readDocument, writeDocumentOnce } from './documents.ts';
import { orDiskFull, writeWholeFile } from './local-files.ts';
import type { ObjectStore } from './objects/object-store.ts';

const manifestName = 'manifest.json';

/**
 * Writes a model package: its files first, the manifest last, so that a manifest means a whole package. Idempotent for the same bytes;
 * what an attempt without manifest left behind is written over.
 *
 * @throws CodedError CONFLICT when the version already has a package of other bytes.
 */
export async function writePackage(
  store: ObjectStore,
  reference: Pick<ModelReference, 'model' | 'modelVersion'>,
  files: Readonly<Record<PackageFile, string>>,
): Promise<ModelReference> {
  const { model, modelVersion } = reference;
  const facts = await Promise.all(packageFiles.map(async (name) => [name, await fileFacts(files[name])] as const));
  const manifest: PackageManifest = {
    model,
    modelVersion,
    files: Object.fromEntries(facts) as PackageManifest['files'],
  };
  const key = `${packageFolder(reference)}${manifestName}`;
  const standing = await readDocument<PackageManifest>(store, key);
  if (standing === null)
    for (const name of packageFiles) await writeFile(store, reference, { name, path: files[name] });
  await writeDocumentOnce(store, key, manifest);
  return { model, modelVersion, packageDigest: sha256Hex(canonicalJson(manifest)) };
}

/**
 * Reads a package's manifest and holds it against the digest that the version was registered with.
 *
 * @throws CodedError NOT_FOUND; PACKAGE_ALTERED.
 */
export async function readPackageManifest(store: ObjectStore, reference: ModelReference): Promise<PackageManifest> {
  const key = `${packageFolder(reference)}${manifestName}`;
  const { bytes } = await store.read(key).catch((cause: unknown) => {
    if (!isCoded(cause, 'NOT_FOUND')) throw cause;
    throw new CodedError('NOT_FOUND', `${describe(reference)} has no package in the bucket. See 'perdura models'.`, {
      details: { key },
      cause,
    });
  });
  const found = sha256Hex(bytes);
  if (found !== reference.packageDigest) throw altered(reference, key, `has SHA-256 ${found}`);
  return parseDocument<PackageManifest>(key, bytes);
}

/**
 * Provides a package as a local folder `<folder>/<model>/<modelVersion>/<digest>`: that path always holds the same bytes, so that a
 * loaded module stays true to it. Every file is held against the manifest each time; a whole folder is reused, another is replaced.
 *
 * @throws CodedError NOT_FOUND; PACKAGE_ALTERED naming the object; DISK_FULL.
 */
export async function downloadPackage(store: ObjectStore, reference: ModelReference, folder: string): Promise<string> {
  const target = join(folder, reference.model, reference.modelVersion, reference.packageDigest.slice(0, 16));
  if (await isWhole(reference, target)) return target;
  const manifest = await readPackageManifest(store, reference);
  const incoming = `${target}.${process.pid}-${randomUUID()}.part`;
  try {
    await mkdir(incoming, { recursive: true });
    for (const name of packageFiles) await downloadFile(store, reference, { name, manifest, incoming });
    await writeWholeFile(join(incoming, manifestName), [new TextEncoder().encode(canonicalJson(manifest))]);
    await putInPlace(reference, incoming, target);
    return target;
  } catch (error) {
    throw orDiskFull(error, target);
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}

async function writeFile(
  store: ObjectStore,
  reference: Pick<ModelReference, 'model' | 'modelVersion'>,
  file: { readonly name: PackageFile; readonly path: string },
): Promise<void> {
  await store.write(`${packageFolder(reference)}${file.name}`, { file: file.path });
}

async function downloadFile(
  store: ObjectStore,
  reference: ModelReference,
  job: { readonly name: PackageFile; readonly manifest: PackageManifest; readonly incoming: string },
): Promise<void> {
  const key = `${packageFolder(reference)}${job.name}`;
  const path = join(job.incoming, job.name);
  try {
    await writeWholeFile(path, store.stream(key));
  } catch (error) {
    throw isCoded(error, 'NOT_FOUND') ? altered(reference, key, 'is gone') : error;
  }
  const found = await fileFacts(path);
  if (canonicalJson(found) !== canonicalJson(job.manifest.files[job.name]))
    throw altered(reference, key, `has ${found.sizeBytes} bytes with SHA-256 ${found.sha256}`);
}

/** Another process may have been first, or an altered folder may stand there: a folder with files cannot be renamed over. */
async function putInPlace(reference: ModelReference, incoming: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(incoming, target);
    } catch (error) {
      if (await isWhole(reference, target)) return;
      if (attempt === 3) throw error;
      const aside = `${target}.${process.pid}-${randomUUID()}.old`;
      await rename(target, aside).catch(() => undefined);
      await rm(aside, { recursive: true, force: true });
    }
  }
}

async function isWhole(reference: ModelReference, folder: string): Promise<boolean> {
  const bytes = await readFile(join(folder, manifestName)).catch(() => null);
  if (bytes === null || sha256Hex(bytes) !== reference.packageDigest) return false;
  const manifest = parseDocument<PackageManifest>(manifestName, bytes);
  const same = await Promise.all(
    packageFiles.map(async (name) => {
      const found = await fileFacts(join(folder, name)).catch(() => null);
      return canonicalJson(found) === canonicalJson(manifest.files[name]);
    }),
  );
  return same.every(Boolean);
}

async function fileFacts(path: string): Promise<{ readonly sizeBytes: number; readonly sha256: string }> {
  return { sizeBytes: (await stat(path)).size, sha256: await sha256File(path) };
}

function describe(reference: ModelReference): string {
  return `Version ${reference.modelVersion} of model '${reference.model}'`;
}

function altered(reference: ModelReference, key: string, what: string): CodedError {
  return new CodedError(
    'PACKAGE_ALTERED',
    `${describe(reference)} is not the package that was registered (${reference.packageDigest}): '${key}' ${what}. Roll back and restore the object.`,
    { details: { key, packageDigest: reference.packageDigest } },
  );
}
