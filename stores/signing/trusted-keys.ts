import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { CodedError } from '../../domain/errors.ts';
import { openSigningKey, publicKeyOf, type SigningKey, signingKeyFile } from './signing.ts';

/** A public key whose signatures count here, and the file that it was read from. */
export type TrustedKey = Pick<SigningKey, 'publicPem' | 'hint'> & { readonly file: string };

/** Reads the keys anew each time: a key that is added or taken away counts from the next package on, without a restart. */
export type TrustedKeys = () => Promise<readonly TrustedKey[]>;

const pemBlock = /-----BEGIN [A-Z0-9 ]+-----[\s\S]+?-----END [A-Z0-9 ]+-----/g;

/**
 * Whose packages are trusted: the keys in `files`, PEM files or folders of them, where there are any; else the own key of the home folder,
 * once it was made.
 *
 * @throws CodedError CONFIG_INVALID, when called, for a file that is not there or holds no P-256 key, and for a folder without a PEM file.
 */
export function trustedKeys(options: {
  readonly keysFolder: string;
  readonly files: readonly string[] | null;
}): TrustedKeys {
  const { keysFolder, files } = options;
  return async () => {
    const found = files === null ? await ownKey(keysFolder) : (await Promise.all(files.map(keysAt))).flat();
    return [...new Map(found.map((key) => [key.hint, key])).values()];
  };
}

/**
 * Opens a home folder's signing key, as `openSigningKey` does: what is signed with a key that nobody trusts would be refused by all others.
 *
 * @throws CodedError PACKAGE_UNSIGNED or ROUTE_UNTRUSTED, as asked, when the key is not among those that are trusted here.
 */
export async function openTrustedSigningKey(
  keysFolder: string,
  trusted: TrustedKeys,
  code: 'PACKAGE_UNSIGNED' | 'ROUTE_UNTRUSTED',
): Promise<SigningKey> {
  const key = await openSigningKey(keysFolder);
  const keys = await trusted();
  if (keys.some(({ hint }) => hint === key.hint)) return key;
  throw new CodedError(
    code,
    `This machine signs with key ${key.hint} (${keysFolder}), which is not trusted here: trusted ${keys.length === 0 ? 'is no key' : `are ${keys.map(({ hint }) => hint).join(', ')}`}. Add its public key to PERDURA_TRUSTED_KEYS, or put a trusted key there.`,
    { details: { hint: key.hint } },
  );
}

async function ownKey(keysFolder: string): Promise<readonly TrustedKey[]> {
  const file = signingKeyFile(keysFolder);
  const there = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return there === null ? [] : keysIn(file);
}

async function keysAt(path: string): Promise<readonly TrustedKey[]> {
  const found = await stat(path).catch((error: Error) => {
    throw invalid(path, `cannot be read (${error.message})`);
  });
  if (!found.isDirectory()) return keysIn(path);
  const names = (await readdir(path)).filter((name) => name.endsWith('.pem')).toSorted();
  if (names.length === 0) throw invalid(path, 'is a folder without a .pem file');
  return (await Promise.all(names.map((name) => keysIn(join(path, name))))).flat();
}

async function keysIn(file: string): Promise<readonly TrustedKey[]> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw invalid(file, `cannot be read (${error.message})`);
  });
  const blocks = text.match(pemBlock) ?? [];
  if (blocks.length === 0) throw invalid(file, 'holds no key in PEM form');
  return blocks.map((block) => ({ ...readKey(file, block), file }));
}

function readKey(file: string, block: string): Pick<SigningKey, 'publicPem' | 'hint'> {
  try {
    const key = publicKeyOf(block);
    if (key !== null) return key;
  } catch (cause) {
    throw invalid(file, `holds a key that cannot be read (${(cause as Error).message})`);
  }
  throw invalid(file, 'holds a key that is not of the curve P-256');
}

function invalid(path: string, problem: string): CodedError {
  return new CodedError(
    'CONFIG_INVALID',
    `The trusted key ${path} ${problem}. Name PEM files of public P-256 keys, or folders of them, in PERDURA_TRUSTED_KEYS.`,
    { details: { path } },
  );
}
