import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { CodedError, isCoded } from '../domain/errors.ts';

/** Bytes that a folder's disk still has for this user; of the nearest parent that exists where the folder does not yet. */
export async function freeBytes(folder: string): Promise<number> {
  try {
    const disk = await statfs(folder);
    // Some file systems, those in memory above all, do not count: then only writing shows.
    return disk.blocks === 0 ? Number.POSITIVE_INFINITY : disk.bavail * disk.bsize;
  } catch (error) {
    const parent = path.dirname(folder);
    if (parent === folder) throw error;
    return freeBytes(parent);
  }
}

/**
 * Makes sure that there is room before work starts that would fail half-way.
 *
 * @throws CodedError DISK_FULL naming the folder, what it has and what is needed.
 */
export async function requireSpace(folder: string, neededBytes: number, setting: string): Promise<void> {
  const free = await freeBytes(folder);
  if (free >= neededBytes) return;
  throw diskFull(folder, setting, `${mebibytes(free)} MiB are free and ${mebibytes(neededBytes)} MiB needed`);
}

/** The one message of a full disk. `setting` moves the folder elsewhere. */
export function diskFull(folder: string, setting: string, found: string): CodedError {
  return new CodedError(
    'DISK_FULL',
    `No room on the disk of ${folder}: ${found}. Free space there, or set ${setting} to a folder on a larger disk.`,
    { details: { folder } },
  );
}

/** Whether an error, or the last words of a program, say that a disk or a quota is full. */
export function saysDiskFull(error: unknown): boolean {
  if (isCoded(error, 'DISK_FULL')) return true;
  if (typeof error === 'string') return /no space left on device|disk is full|disk quota exceeded/i.test(error);
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

/**
 * Turns an error of the file system into one that says what to do: a full disk, or a folder that this user cannot write.
 * Any other error comes back as it is.
 */
export function folderError(error: unknown, folder: string, setting: string): unknown {
  if (isCoded(error)) return error;
  if (saysDiskFull(error)) return diskFull(folder, setting, 'it is full');
  if (!(error instanceof Error && 'code' in error)) return error;
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(String(error.code))) return error;
  return new CodedError(
    'CONFIG_INVALID',
    `The folder ${folder} cannot be written: ${error.message}. Set ${setting} to a folder that this user can write.`,
    { cause: error },
  );
}

/** For messages: whole MiB. */
export function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1_048_576);
}
