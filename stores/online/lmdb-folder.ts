import { constants } from 'node:fs';
import { access, mkdir, open, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../domain/errors.ts';
import { orDiskFull } from '../local-files.ts';

/** A new store needs a few pages and its file of locks; less than this is as good as full. */
const roomAtLeastBytes = 1_048_576;

/** Where things stand in a meta page (lmdb-js 3.5 on 64 bits, little endian); pages 0 and 1 are the two metas. */
const layout = { magic: 24, pageSize: 48, lastPage: 144, transaction: 152, bytes: 160 } as const;
const magic = 0xbe_ef_c0_de;

/**
 * Makes a folder ready for LMDB, or says why it is not: LMDB maps its files into memory, and a damaged or cut file, a full disk or a folder
 * that cannot be made do not throw there but end the whole process (SIGSEGV, SIGBUS) or hang it.
 *
 * @throws CodedError SERVICE_UNAVAILABLE; DISK_FULL.
 */
export async function prepareLmdbFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.R_OK | constants.W_OK);
    const [data, lock] = [join(folder, 'data.mdb'), join(folder, 'lock.mdb')];
    const there = [await exists(data), await exists(lock)];
    if (there.includes(false)) await checkRoom(folder);
    if (there[0] === true) await checkData(data);
  } catch (error) {
    throw unavailable(folder, orDiskFull(error, folder));
  }
}

/** SERVICE_UNAVAILABLE for what an LMDB call threw; a coded error stays itself. A short write arrives as EIO: whether the disk is full, the disk says. */
export async function lmdbFailure(folder: string, error: unknown): Promise<Error> {
  const code = (error as { readonly code?: unknown }).code;
  const written = code === 5 || code === 28;
  const full = written && (await freeBytes(folder).catch(() => roomAtLeastBytes)) < roomAtLeastBytes;
  return unavailable(folder, full ? diskFull(folder, error) : error);
}

function unavailable(folder: string, cause: unknown): Error {
  if (cause instanceof CodedError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CodedError(
    'SERVICE_UNAVAILABLE',
    `The online store in ${folder} cannot be used: ${reason}. Mend the folder, or delete it and fill it anew with 'perdura features materialize'.`,
    { details: { folder }, cause },
  );
}

async function checkRoom(folder: string): Promise<void> {
  if ((await freeBytes(folder)) < roomAtLeastBytes) throw diskFull(folder, null);
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function diskFull(folder: string, cause: unknown): CodedError {
  return new CodedError(
    'DISK_FULL',
    `No room on the disk for the online store in ${folder}. Free some, or set PERDURA_HOME to a larger disk.`,
    { details: { folder }, cause },
  );
}

/**
 * An empty file is one that was just made: LMDB writes its first pages itself. The size is asked last, because another process may be
 * writing: pages come before the meta page that speaks of them, so a file whose meta was read first is never too short for it.
 */
async function checkData(path: string): Promise<void> {
  await access(path, constants.R_OK | constants.W_OK);
  if ((await stat(path)).size === 0) return;
  const metas = await readMetas(path);
  const newest = metas.toSorted((a, b) => b.transaction - a.transaction)[0];
  if (newest === undefined) throw new Error('data.mdb is not a file of LMDB');
  const { size } = await stat(path);
  const needed = (newest.lastPage + 1) * newest.pageSize;
  if (size < needed) throw new Error(`data.mdb is cut off: it has ${size} bytes of ${needed}`);
}

type Meta = { readonly pageSize: number; readonly lastPage: number; readonly transaction: number };

async function readMetas(path: string): Promise<readonly Meta[]> {
  const file = await open(path, 'r');
  try {
    const first = await readMeta(file, 0);
    if (first === null) return [];
    const second = await readMeta(file, first.pageSize);
    return second === null ? [first] : [first, second];
  } finally {
    await file.close();
  }
}

async function readMeta(file: Awaited<ReturnType<typeof open>>, position: number): Promise<Meta | null> {
  const bytes = Buffer.alloc(layout.bytes);
  const { bytesRead } = await file.read(bytes, 0, layout.bytes, position);
  if (bytesRead < layout.bytes || bytes.readUInt32LE(layout.magic) !== magic) return null;
  return {
    pageSize: bytes.readUInt32LE(layout.pageSize),
    lastPage: Number(bytes.readBigUInt64LE(layout.lastPage)),
    transaction: Number(bytes.readBigUInt64LE(layout.transaction)),
  };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
