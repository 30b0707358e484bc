import { createHash } from 'node:crypto';

import { canonicalJson } from '../../domain/canonical-json.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';
import { bundleHint, sign, type SignatureBundle, type SigningKey, type Statement, verify } from './signing.ts';
import type { TrustedKey } from './trusted-keys.ts';

const predicateType = 'perdura/document/v1';

/**
 * Signs a document of the bucket: a DSSE bundle, as packages have, over the SHA-256 of its canonical JSON. The name is signed with it, so that
 * one endpoint's document does not pass for another's.
 *
 * @param name - the document's key in the bucket, such as `routes/flights.json`.
 */
export function signDocument(key: SigningKey, name: string, value: unknown): SignatureBundle {
  return sign(key, {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name, digest: { sha256: digestOf(value) } }],
    predicateType,
    predicate: {},
  });
}

/**
 * Holds a document against its signature.
 *
 * @param name - the document's key in the bucket.
 * @param value - the document without its signature.
 * @param signature - as it stands in the document; null: there is none.
 * @throws CodedError ROUTE_UNTRUSTED, with the hints of the keys that are trusted, when there is no signature, none by such a key, or one
 * of another document.
 */
export function requireSignedDocument(
  name: string,
  value: unknown,
  signature: unknown,
  trusted: readonly TrustedKey[],
): void {
  if (signature === null || signature === undefined) throw untrusted(name, 'has no signature', trusted);
  const hint = bundleHint(signature);
  if (hint === null) throw untrusted(name, 'has a signature that is no Sigstore bundle v0.3', trusted);
  const key = trusted.find((each) => each.hint === hint);
  if (key === undefined) throw untrusted(name, `is signed with key ${hint || '(no hint)'}`, trusted);
  const problem = problemOf(statementOf(name, signature, key, trusted), name, value);
  if (problem !== null) throw untrusted(name, problem, trusted);
}

/** Whether a document holds against its signature, as `requireSignedDocument` says. */
export function isSignedDocument(...checked: Parameters<typeof requireSignedDocument>): boolean {
  try {
    requireSignedDocument(...checked);
    return true;
  } catch (error) {
    if (isCoded(error, 'ROUTE_UNTRUSTED')) return false;
    throw error;
  }
}

/** In what a statement is not about this document; null when it is. */
function problemOf(statement: Statement, name: string, value: unknown): string | null {
  const [subject, ...others] = statement.subject;
  if (statement.predicateType !== predicateType || subject === undefined || others.length > 0)
    return `has a signature of another kind (${statement.predicateType})`;
  if (subject.name !== name) return `has the signature of '${subject.name}'`;
  return subject.digest.sha256 === digestIfAny(value) ? null : 'was altered after it was signed';
}

/** Null for what is nested so deep that it has no canonical form: nobody can have signed it. */
function digestIfAny(value: unknown): string | null {
  try {
    return digestOf(value);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function statementOf(name: string, signature: unknown, key: TrustedKey, trusted: readonly TrustedKey[]): Statement {
  try {
    return verify(signature, key.publicPem);
  } catch (cause) {
    throw untrusted(name, `has a signature that does not hold (${(cause as Error).message})`, trusted, cause);
  }
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

function untrusted(name: string, what: string, trusted: readonly TrustedKey[], cause?: unknown): CodedError {
  const keys = trusted.map(({ hint, file }) => `${hint} (${file})`).join(', ');
  return new CodedError(
    'ROUTE_UNTRUSTED',
    `'${name}' ${what}; trusted here ${keys === '' ? 'is no key' : `are ${keys}`}. Look at what stands there: write it again with a trusted key, or add the signer's public key to PERDURA_TRUSTED_KEYS.`,
    { details: { name, trusted: trusted.map((key) => key.hint) }, cause },
  );
}
