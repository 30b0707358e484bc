import { CodedError } from '../domain/errors.ts';
import { type ModelReference, packageFolder, type Signature } from '../domain/model-package.ts';
import { sha256Hex } from './digest.ts';
import { parseDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { readPackageManifest } from './packages.ts';

/**
 * What a registered package takes and answers, read from the bucket alone.
 *
 * @throws CodedError NOT_FOUND, PACKAGE_ALTERED.
 */
export async function readSignature(store: ObjectStore, reference: ModelReference): Promise<Signature> {
  const manifest = await readPackageManifest(store, reference);
  const key = `${packageFolder(reference)}signature.json`;
  const { bytes } = await store.read(key);
  if (sha256Hex(bytes) === manifest.files['signature.json'].sha256) return parseDocument<Signature>(key, bytes);
  throw new CodedError(
    'PACKAGE_ALTERED',
    `'${key}' is not the file that was registered (${reference.packageDigest}). Roll back and restore the object.`,
    { details: { key, packageDigest: reference.packageDigest } },
  );
}
