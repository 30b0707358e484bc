import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CodedError } from '../domain/errors.ts';

/** The keys of the embedded S3 server. */
export type S3Keys = { readonly accessKeyId: string; readonly secretAccessKey: string };

/**
 * The embedded server's keys: made once, kept in `keys/s3.json` for this user's eyes only. They must stay the same, for clients that
 * outlive a restart.
 *
 * @throws CodedError CONFIG_INVALID when the file is damaged: new keys in silence would lock out those who have the old ones.
 */
export function s3Keys(homeFolder: string): S3Keys {
  const file = path.join(homeFolder, 'keys', 's3.json');
  return readKeys(file) ?? createKeys(file);
}

function createKeys(file: string): S3Keys {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const keys = {
    accessKeyId: `perdura${randomBytes(8).toString('hex')}`,
    secretAccessKey: randomBytes(24).toString('hex'),
  };
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(keys), { mode: 0o600 });
  try {
    linkSync(temporary, file);
  } catch (error) {
    // Another process made them in the same moment: those count.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return readKeys(file) ?? keys;
}

function readKeys(file: string): S3Keys | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const keys = parsed(text);
  if (keys !== null) return keys;
  throw new CodedError(
    'CONFIG_INVALID',
    `The keys of the embedded S3 server in ${file} are damaged. Delete that file and start again.`,
  );
}

function parsed(text: string): S3Keys | null {
  try {
    const keys: unknown = JSON.parse(text);
    if (typeof keys !== 'object' || keys === null || !('accessKeyId' in keys) || !('secretAccessKey' in keys))
      return null;
    const { accessKeyId, secretAccessKey } = keys;
    return typeof accessKeyId === 'string' && typeof secretAccessKey === 'string'
      ? { accessKeyId, secretAccessKey }
      : null;
  } catch {
    return null;
  }
}
