import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { sign as ecSign, verify as ecVerify } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../domain/errors.ts';

/** A P-256 key pair: PEM texts (PKCS #8, SPKI); `hint` is the SHA-256 of the public PEM text, hex, as Sigstore bundles name keys. */
export type SigningKey = { readonly privatePem: string; readonly publicPem: string; readonly hint: string };

/** An in-toto Statement v1 about one subject. https://github.com/in-toto/attestation/tree/main/spec/v1 */
export type Statement = {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
  readonly predicateType: string;
  readonly predicate: Readonly<Record<string, unknown>>;
};

/** A Sigstore bundle v0.3 around a DSSE envelope, key mode. */
export type SignatureBundle = {
  readonly mediaType: string;
  readonly verificationMaterial: { readonly publicKey: { readonly hint: string }; readonly tlogEntries: readonly [] };
  readonly dsseEnvelope: {
    readonly payload: string;
    readonly payloadType: string;
    readonly signatures: readonly { readonly sig: string; readonly keyid: string }[];
  };
};

const mediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const payloadType = 'application/vnd.in-toto+json';

/** Where a home folder's `keys` has its signing key. */
export function signingKeyFile(keysFolder: string): string {
  return join(keysFolder, 'signing-key.pem');
}

/**
 * Opens the signing key of a home folder, and makes it on first use (`signing-key.pem`, readable by its owner only). Of several
 * processes that come first at once, one makes the key and all use it.
 */
export async function openSigningKey(keysFolder: string): Promise<SigningKey> {
  const file = signingKeyFile(keysFolder);
  const existing = await readIfThere(file);
  if (existing !== null) return toSigningKey(existing, file);
  await mkdir(keysFolder, { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, file);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return toSigningKey(await readFile(file, 'utf8'), file);
}

/**
 * The public half of a P-256 key, from the PEM text of either half; null for a key of another kind.
 *
 * @throws Error of node:crypto for what is no key.
 */
export function publicKeyOf(pem: string): Pick<SigningKey, 'publicPem' | 'hint'> | null {
  return createPublicKey(pem).asymmetricKeyDetails?.namedCurve === 'prime256v1' ? publicHalf(pem) : null;
}

/** SHA-256 of a public key's PEM text, header lines and last newline included, hex. */
export function keyHint(publicPem: string): string {
  return createHash('sha256').update(publicPem).digest('hex');
}

/**
 * Signs a statement: DSSE over its JSON bytes (https://github.com/secure-systems-lab/dsse), ECDSA P-256 with SHA-256, DER.
 * Sigstore's verifiers, securesystemslib and in-toto read it, so that no one has to trust our own check.
 */
export function sign(key: SigningKey, statement: Statement): SignatureBundle {
  const payload = Buffer.from(JSON.stringify(statement));
  const sig = ecSign('sha256', preAuthEncoding(payload), key.privatePem).toString('base64');
  return {
    mediaType,
    verificationMaterial: { publicKey: { hint: key.hint }, tlogEntries: [] },
    dsseEnvelope: { payload: payload.toString('base64'), payloadType, signatures: [{ sig, keyid: '' }] },
  };
}

/**
 * Checks a bundle against a public key and returns what was signed.
 *
 * @throws CodedError EVIDENCE_ALTERED when the form, the key or the signature does not hold.
 */
export function verify(bundle: unknown, publicPem: string): Statement {
  if (!isSignatureBundle(bundle)) throw altered('is not a Sigstore bundle v0.3 with a DSSE envelope');
  const { payload, signatures } = bundle.dsseEnvelope;
  const [signature] = signatures;
  if (signature === undefined || signatures.length !== 1) throw altered('must hold exactly one signature');
  const { hint } = bundle.verificationMaterial.publicKey;
  if (hint !== keyHint(publicPem)) throw altered(`names key ${hint}, not ${keyHint(publicPem)}`);
  const bytes = Buffer.from(payload, 'base64');
  const sig = Buffer.from(signature.sig, 'base64');
  if (!ecVerify('sha256', preAuthEncoding(bytes), publicPem, sig)) throw altered('does not fit its statement');
  return JSON.parse(bytes.toString('utf8')) as Statement;
}

/** Which key a bundle names; null when it is no bundle. */
export function bundleHint(bundle: unknown): string | null {
  return isSignatureBundle(bundle) ? bundle.verificationMaterial.publicKey.hint : null;
}

function preAuthEncoding(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `), payload]);
}

function isSignatureBundle(value: unknown): value is SignatureBundle {
  const bundle = value as Partial<SignatureBundle> | null;
  return (
    bundle?.mediaType === mediaType &&
    typeof bundle.verificationMaterial?.publicKey?.hint === 'string' &&
    bundle.dsseEnvelope?.payloadType === payloadType &&
    typeof bundle.dsseEnvelope.payload === 'string' &&
    Array.isArray(bundle.dsseEnvelope.signatures)
  );
}

function toSigningKey(privatePem: string, file: string): SigningKey {
  const key = createPrivateKey(privatePem);
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new CodedError(
      'CONFIG_INVALID',
      `${file} is not a P-256 key. Put a P-256 key there, or move it away and a new one is made.`,
    );
  return { privatePem, ...publicHalf(privatePem) };
}

function publicHalf(pem: string): Pick<SigningKey, 'publicPem' | 'hint'> {
  const publicPem = createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
  return { publicPem, hint: keyHint(publicPem) };
}

function altered(what: string): CodedError {
  return new CodedError('EVIDENCE_ALTERED', `The signature ${what}. Compare it with its older versions in the bucket.`);
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
