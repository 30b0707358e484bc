import { createHash } from 'node:crypto';

import { canonicalJson } from '../../domain/canonical-json.ts';
import { CodedError } from '../../domain/errors.ts';
import {
  type ModelReference,
  type PackageManifest,
  packageFolder,
  packageManifestName,
  packageSignatureName,
} from '../../domain/model-package.ts';
import { bundleHint, sign, type SignatureBundle, type SigningKey, type Statement, verify } from './signing.ts';
import type { TrustedKey } from './trusted-keys.ts';

/** One file below a signed folder, `/` between the parts of its name; SHA-256 hex. */
export type SignedFile = { readonly name: string; readonly sha256: string };

const predicateType = 'https://model_signing/signature/v1.0';
const method = 'files';
const hashType = 'sha256';

/** What a package's signature is about: its manifest, and every file that the manifest names. */
export function signedFiles(manifest: PackageManifest, packageDigest: string): readonly SignedFile[] {
  const files = Object.entries(manifest.files).map(([name, { sha256 }]) => ({ name, sha256 }));
  return [...files, { name: packageManifestName, sha256: packageDigest }].toSorted(byPath);
}

/**
 * Signs a package in the form of OpenSSF Model Signing v1.0, so that others can check it with tools that are not ours
 * (`model_signing verify key`). https://github.com/ossf/model-signing-spec
 */
export function signPackage(
  key: SigningKey,
  reference: Pick<ModelReference, 'model' | 'modelVersion'>,
  files: readonly SignedFile[],
): SignatureBundle {
  const sorted = files.toSorted(byPath);
  return sign(key, {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: `${reference.model}/${reference.modelVersion}`, digest: { sha256: rootDigest(sorted) } }],
    predicateType,
    predicate: {
      serialization: {
        method,
        hash_type: hashType,
        allow_symlinks: false,
        ignore_paths: [packageSignatureName],
      },
      resources: sorted.map(({ name, sha256 }) => ({ name, algorithm: hashType, digest: sha256 })),
    },
  });
}

/**
 * Holds a package's signature against the files that it must be about, all of them and no others.
 *
 * @param bytes - of model.sig; null: there is none.
 * @throws CodedError PACKAGE_UNSIGNED, with the hints of keys, when there is none or none by a key that is trusted; PACKAGE_ALTERED when
 * the signature does not hold or is about other files.
 */
export function checkPackageSignature(
  reference: ModelReference,
  signature: { readonly bytes: Uint8Array | null; readonly files: readonly SignedFile[] },
  trusted: readonly TrustedKey[],
): void {
  const { bytes, files } = signature;
  if (bytes === null) throw unsigned(reference, 'has no signature', trusted);
  const bundle = parse(bytes);
  const hint = bundleHint(bundle);
  if (hint === null) throw altered(reference, 'is not a Sigstore bundle v0.3 with a public key');
  const key = trusted.find((each) => each.hint === hint);
  if (key === undefined) throw unsigned(reference, `is signed with key ${hint || '(no hint)'}`, trusted);
  const problem = problemOf(statementOf(reference, bundle, key), files);
  if (problem !== null) throw altered(reference, problem);
}

/** As Python sorts PurePosixPath: part by part by code point, so that `a/b` comes before `a-b/c`. Bytes of UTF-8 are in that order. */
export function byPath(a: SignedFile, b: SignedFile): number {
  const [left, right] = [a.name.split('/'), b.name.split('/')];
  const place = left.findIndex((part, index) => part !== right[index]);
  if (place < 0) return left.length - right.length;
  const other = right[place];
  return other === undefined ? 1 : Buffer.compare(Buffer.from(left[place] ?? ''), Buffer.from(other));
}

/** SHA-256 over the raw digests of the files, in their order. */
function rootDigest(files: readonly SignedFile[]): string {
  const root = createHash('sha256');
  for (const { sha256 } of files) root.update(Buffer.from(sha256, 'hex'));
  return root.digest('hex');
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return null;
  }
}

function statementOf(reference: ModelReference, bundle: unknown, key: TrustedKey): Statement {
  try {
    return verify(bundle, key.publicPem);
  } catch (cause) {
    throw altered(reference, `does not hold (${(cause as Error).message})`, cause);
  }
}

/** In what a statement is not about exactly these files; null when it is. */
function problemOf(statement: Statement, files: readonly SignedFile[]): string | null {
  const { serialization, resources } = statement.predicate as {
    readonly serialization?: { readonly method?: unknown; readonly hash_type?: unknown };
    readonly resources?: unknown;
  };
  if (statement.predicateType !== predicateType) return `is of another kind: ${statement.predicateType}`;
  if (serialization?.method !== method || serialization.hash_type !== hashType)
    return `is not over files with ${hashType}`;
  const wanted = files.toSorted(byPath);
  const resourcesWanted = wanted.map(({ name, sha256 }) => ({ name, algorithm: hashType, digest: sha256 }));
  if (canonicalJson(resources ?? null) !== canonicalJson(resourcesWanted))
    return `is about other files than the package has: ${differing(resources, resourcesWanted)}`;
  const [subject, ...others] = statement.subject;
  return subject?.digest.sha256 === rootDigest(wanted) && others.length === 0 ? null : 'has another root digest';
}

function differing(found: unknown, wanted: readonly { readonly name: string }[]): string {
  const given = new Set(Array.isArray(found) ? found.map((each) => canonicalJson(each)) : []);
  const names = wanted.filter((each) => !given.has(canonicalJson(each))).map(({ name }) => name);
  return names.length > 0 ? names.join(', ') : 'it lists more';
}

function describe({ model, modelVersion }: ModelReference): string {
  return `The package of version ${modelVersion} of model '${model}'`;
}

function unsigned(reference: ModelReference, what: string, trusted: readonly TrustedKey[]): CodedError {
  const keys = trusted.map(({ hint, file }) => `${hint} (${file})`).join(', ');
  return new CodedError(
    'PACKAGE_UNSIGNED',
    `${describe(reference)} ${what}; trusted here ${keys === '' ? 'is no key' : `are ${keys}`}. Train and register it again, or add the signer's public key to PERDURA_TRUSTED_KEYS.`,
    {
      details: {
        model: reference.model,
        modelVersion: reference.modelVersion,
        trusted: trusted.map((key) => key.hint),
      },
    },
  );
}

function altered(reference: ModelReference, what: string, cause?: unknown): CodedError {
  const key = `${packageFolder(reference)}${packageSignatureName}`;
  return new CodedError(
    'PACKAGE_ALTERED',
    `${describe(reference)} is not what was signed: its signature '${key}' ${what}. Roll back and restore the package.`,
    { details: { key }, cause },
  );
}
