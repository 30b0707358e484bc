import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { canonicalJson } from '../domain/canonical-json.ts';
import { CodedError, isCoded } from '../domain/errors.ts';
import {
  type ModelReference,
  type PackageFile,
  type PackageManifest,
  packageFiles,
  packageFolder,
  packageManifestName,
  packageSignatureName,
} from '../domain/model-package.ts';
import { sha256File, sha256Hex } from './digest.ts';
import { keepFirstDocument, parseDocument, readDocument, writeDocumentOnce } from './documents.ts';
import { orDiskFull, writeWholeFile } from './local-files.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { checkPackageSignature, signedFiles, signPackage } from './signing/package-signature.ts';
import type { SigningKey } from './signing/signing.ts';
import type { TrustedKeys } from './signing/trusted-keys.ts';

/** Where packages are kept on this machine, and whose signatures count here. */
export type LocalPackages = { readonly folder: string; readonly trusted: TrustedKeys };

/** Everything that a local package consists of. */
const localNames = [...packageFiles, packageManifestName, packageSignatureName].toSorted();

/**
 * Writes a model package: its files first, then the manifest, so that a manifest means whole files, and its signature last. Idempotent for
 * the same bytes: the first signature stays; what an attempt without manifest left behind is written over.
 *
 * @throws CodedError CONFLICT when the version already has a package of other bytes.
 */
export async function writePackage(
  store: ObjectStore,
  reference: Pick<ModelReference, 'model' | 'modelVersion'>,
  files: Readonly<Record<PackageFile, string>>,
  key: SigningKey,
): Promise<ModelReference> {
  const { model, modelVersion } = reference;
  const facts = await Promise.all(packageFiles.map(async (name) => [name, await fileFacts(files[name])] as const));
  const manifest: PackageManifest = {
    model,
    modelVersion,
    files: Object.fromEntries(facts) as PackageManifest['files'],
  };
  const manifestKey = `${packageFolder(reference)}${packageManifestName}`;
  const standing = await readDocument<PackageManifest>(store, manifestKey);
  if (standing === null)
    for (const name of packageFiles) await writeFile(store, reference, { name, path: files[name] });
  await writeDocumentOnce(store, manifestKey, manifest);
  const packageDigest = sha256Hex(canonicalJson(manifest));
  const signature = signPackage(key, reference, signedFiles(manifest, packageDigest));
  await keepFirstDocument(store, `${packageFolder(reference)}${packageSignatureName}`, signature);
  return { model, modelVersion, packageDigest };
}

/**
 * Reads a package's manifest and holds it against the digest that the version was registered with.
 *
 * @throws CodedError NOT_FOUND; PACKAGE_ALTERED.
 */
export async function readPackageManifest(store: ObjectStore, reference: ModelReference): Promise<PackageManifest> {
  const key = `${packageFolder(reference)}${packageManifestName}`;
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
 * Holds a package as it lies in the bucket against its digest and its signature, every byte of it, without keeping anything: what a
 * promotion rests on must not be this machine's copy.
 *
 * @throws CodedError NOT_FOUND; PACKAGE_ALTERED naming the object; PACKAGE_UNSIGNED.
 */
export async function verifyPackage(
  store: ObjectStore,
  reference: ModelReference,
  trusted: TrustedKeys,
): Promise<void> {
  const { manifest } = await readSigned(store, reference, trusted);
  for (const name of packageFiles) {
    const key = `${packageFolder(reference)}${name}`;
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of existing(store, reference, key)) {
      hash.update(chunk);
      sizeBytes += chunk.byteLength;
    }
    checkFacts(reference, { key, found: { sizeBytes, sha256: hash.digest('hex') }, wanted: manifest.files[name] });
  }
}

/**
 * Provides a package as a local folder `<folder>/<model>/<modelVersion>/<digest>`: that path always holds the same bytes, so that a
 * loaded module stays true to it. Every file is held against the manifest, and the manifest against its signature, each time; a whole
 * folder is reused, another is replaced.
 *
 * @throws CodedError NOT_FOUND; PACKAGE_ALTERED naming the object; PACKAGE_UNSIGNED; DISK_FULL.
 */
export async function downloadPackage(
  store: ObjectStore,
  reference: ModelReference,
  packages: LocalPackages,
): Promise<string> {
  const target = join(packages.folder, reference.model, reference.modelVersion, reference.packageDigest.slice(0, 16));
  const place = { target, trusted: packages.trusted };
  if (await isWhole(reference, place)) return target;
  const { manifest, signature } = await readSigned(store, reference, packages.trusted);
  const incoming = `${target}.${process.pid}-${randomUUID()}.part`;
  try {
    await mkdir(incoming, { recursive: true });
    for (const name of packageFiles) await downloadFile(store, reference, { name, manifest, incoming });
    await writeWholeFile(join(incoming, packageManifestName), [new TextEncoder().encode(canonicalJson(manifest))]);
    await writeWholeFile(join(incoming, packageSignatureName), [signature]);
    await putInPlace(reference, incoming, place);
    return target;
  } catch (error) {
    throw orDiskFull(error, target);
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}

/** The manifest and its signature, which was held against it. */
async function readSigned(
  store: ObjectStore,
  reference: ModelReference,
  trusted: TrustedKeys,
): Promise<{ readonly manifest: PackageManifest; readonly signature: Uint8Array }> {
  const manifest = await readPackageManifest(store, reference);
  const found = await store.read(`${packageFolder(reference)}${packageSignatureName}`).catch((error: unknown) => {
    if (isCoded(error, 'NOT_FOUND')) return null;
    throw error;
  });
  const bytes = found?.bytes ?? null;
  checkPackageSignature(reference, { bytes, files: signedFiles(manifest, reference.packageDigest) }, await trusted());
  return { manifest, signature: bytes ?? new Uint8Array() };
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
  await writeWholeFile(path, existing(store, reference, key));
  checkFacts(reference, { key, found: await fileFacts(path), wanted: job.manifest.files[job.name] });
}

/** The bytes of one of the package's objects. @throws CodedError PACKAGE_ALTERED where it is gone. */
async function* existing(store: ObjectStore, reference: ModelReference, key: string): AsyncIterable<Uint8Array> {
  try {
    yield* store.stream(key);
  } catch (error) {
    throw isCoded(error, 'NOT_FOUND') ? altered(reference, key, 'is gone') : error;
  }
}

type FileFacts = { readonly sizeBytes: number; readonly sha256: string };

function checkFacts(
  reference: ModelReference,
  file: { readonly key: string; readonly found: FileFacts; readonly wanted: FileFacts },
): void {
  const { key, found, wanted } = file;
  if (canonicalJson(found) === canonicalJson(wanted)) return;
  throw altered(reference, key, `has ${found.sizeBytes} bytes with SHA-256 ${found.sha256}`);
}

/** Another process may have been first, or an altered folder may stand there: a folder with files cannot be renamed over. */
async function putInPlace(reference: ModelReference, incoming: string, place: LocalPlace): Promise<void> {
  const { target } = place;
  await mkdir(dirname(target), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(incoming, target);
    } catch (error) {
      if (await isWhole(reference, place)) return;
      if (attempt === 3) throw error;
      const aside = `${target}.${process.pid}-${randomUUID()}.old`;
      await rename(target, aside).catch(() => undefined);
      await rm(aside, { recursive: true, force: true });
    }
  }
}

type LocalPlace = { readonly target: string; readonly trusted: TrustedKeys };

/** Files of the package, all of them and no others, signed by a key that is trusted now. */
async function isWhole(reference: ModelReference, { target, trusted }: LocalPlace): Promise<boolean> {
  const names: readonly string[] = await readdir(target).catch(() => []);
  if (canonicalJson(names.toSorted()) !== canonicalJson(localNames)) return false;
  const bytes = await readFile(join(target, packageManifestName)).catch(() => null);
  if (bytes === null || sha256Hex(bytes) !== reference.packageDigest) return false;
  const manifest = parseDocument<PackageManifest>(packageManifestName, bytes);
  if (!(await isSigned(reference, manifest, { target, trusted }))) return false;
  const same = await Promise.all(
    packageFiles.map(async (name) => {
      const found = await fileFacts(join(target, name)).catch(() => null);
      return canonicalJson(found) === canonicalJson(manifest.files[name]);
    }),
  );
  return same.every(Boolean);
}

/** A signature that does not hold here is looked for in the bucket, which then says why, or mends it. */
async function isSigned(reference: ModelReference, manifest: PackageManifest, place: LocalPlace): Promise<boolean> {
  const bytes = await readFile(join(place.target, packageSignatureName)).catch(() => null);
  const keys = await place.trusted();
  try {
    checkPackageSignature(reference, { bytes, files: signedFiles(manifest, reference.packageDigest) }, keys);
    return true;
  } catch (error) {
    if (isCoded(error, 'PACKAGE_UNSIGNED') || isCoded(error, 'PACKAGE_ALTERED')) return false;
    throw error;
  }
}

async function fileFacts(path: string): Promise<FileFacts> {
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
