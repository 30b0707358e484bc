import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

import { CodedError } from '../../domain/errors.ts';

/** PEM files; `certFile` has the server's certificate first, then those between it and its root. */
export type TlsFiles = { readonly certFile: string; readonly keyFile: string };

/** What both protocols listen with: `https.createServer({ cert, key })`, `ServerCredentials.createSsl(null, [{ cert_chain, private_key }])`. */
export type TlsPair = { readonly cert: Buffer; readonly key: Buffer };

const lookEveryMs = 10_000;

/**
 * Reads a certificate and its key and checks that they belong together, and that the certificate has not expired `at`.
 *
 * @throws CodedError CONFIG_INVALID naming the setting, the file and what is wrong with it.
 */
export function readTls({ certFile, keyFile }: TlsFiles, at: Date = new Date()): TlsPair {
  const cert = read('PERDURA_SERVING_TLS_CERT', certFile);
  const key = read('PERDURA_SERVING_TLS_KEY', keyFile);
  const certificate = parse('PERDURA_SERVING_TLS_CERT', certFile, 'a certificate', () => new X509Certificate(cert));
  const privateKey = parse('PERDURA_SERVING_TLS_KEY', keyFile, 'a private key', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw invalid(`PERDURA_SERVING_TLS_KEY ${keyFile} is not the key of the certificate ${certFile}`);
  }
  if (Date.parse(certificate.validTo) < at.getTime()) {
    throw invalid(`PERDURA_SERVING_TLS_CERT ${certFile} expired at ${new Date(certificate.validTo).toISOString()}`);
  }
  return { cert, key };
}

export type WatchTlsOptions = {
  /** Takes the renewed pair: `server.setSecureContext(pair)`. */
  readonly onRenewed: (pair: TlsPair) => void;
  readonly report: (line: string) => void;
  /** How often the files are looked at, milliseconds; 10 seconds unless given. */
  readonly everyMs?: number;
};

/**
 * Looks whether the files were renewed since this call; a pair that does not hold up is reported, and the one in use stays. Returns what ends it.
 */
export function watchTls(files: TlsFiles, options: WatchTlsOptions): () => void {
  const { onRenewed, report, everyMs = lookEveryMs } = options;
  const state = (): string => `${stateOf(files.certFile)}, ${stateOf(files.keyFile)}`;
  let known = state();
  const look = (): void => {
    const now = state();
    if (now === known) return;
    known = now;
    try {
      onRenewed(readTls(files));
      report(`The certificate ${files.certFile} was renewed.`);
    } catch (error) {
      // Of two files one is always written first: the second one's change looks again.
      report(`The renewed certificate is not taken, the one before stays: ${(error as Error).message}`);
    }
  };
  const timer = setInterval(look, everyMs).unref();
  return () => clearInterval(timer);
}

/** Another one after each change. Links, as a secret's files often are, are followed. */
function stateOf(file: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(file);
    return `${ino} ${mtimeMs} ${size}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function read(setting: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw invalid(`${setting} ${file} cannot be read: ${(error as Error).message}`, error);
  }
}

function parse<T>(setting: string, file: string, what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw invalid(`${setting} ${file} is not ${what} in PEM, or is encrypted`, error);
  }
}

function invalid(problem: string, cause?: unknown): CodedError {
  return new CodedError('CONFIG_INVALID', `${problem}. Name PEM files of one certificate and its key.`, { cause });
}
