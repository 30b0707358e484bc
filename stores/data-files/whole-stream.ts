import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

import type { Compression } from './format.ts';

const zstdMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const contentSizeBytes = [0, 2, 4, 8] as const;
const dictionaryBytes = [0, 1, 2, 4] as const;

/**
 * Refuses a compressed file that ends in the middle. DuckDB reads such a file up to where it ends and says nothing: the rows behind
 * would be lost in silence.
 *
 * @throws Error saying what is wrong with it.
 */
export async function requireWhole(path: string, compression: Compression): Promise<void> {
  switch (compression) {
    case 'none':
      return;
    case 'gzip':
      return wholeGzip(path);
    case 'zstd':
      return wholeZstd(path);
    default:
      return compression satisfies never;
  }
}

/** zlib checks every member's length and CRC-32 itself. */
async function wholeGzip(path: string): Promise<void> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), createGunzip(), nowhere);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the gzip data is cut short or damaged (${reason})`, { cause });
  }
}

/** Goes from block to block without unpacking (RFC 8878, section 3.1): frames must end exactly where the file does. */
async function wholeZstd(path: string): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    let at = 0;
    while (at < size) at = await endOfFrame(file, at);
    if (at !== size) throw new Error('the zstd data is cut short');
  } finally {
    await file.close();
  }
}

async function endOfFrame(file: FileHandle, from: number): Promise<number> {
  const magic = (await bytesAt(file, from, 4)).readUInt32LE();
  if ((magic & 0xfffffff0) >>> 0 === skippableMagic)
    return from + 8 + (await bytesAt(file, from + 4, 4)).readUInt32LE();
  if (magic !== zstdMagic) throw new Error(`it is no zstd data at byte ${from + 1}`);
  const descriptor = (await bytesAt(file, from + 4, 1)).readUInt8();
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSize = contentSizeBytes[(descriptor >> 6) as 0 | 1 | 2 | 3] || (singleSegment ? 1 : 0);
  let at = from + 5 + (singleSegment ? 0 : 1) + dictionaryBytes[(descriptor & 3) as 0 | 1 | 2 | 3] + contentSize;
  for (let last = false; !last;) {
    const header = (await bytesAt(file, at, 3)).readUIntLE(0, 3);
    last = (header & 1) === 1;
    const repeated = ((header >> 1) & 3) === 1;
    at += 3 + (repeated ? 1 : header >> 3);
  }
  return at + ((descriptor & 4) === 0 ? 0 : 4);
}

async function bytesAt(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
  if (bytesRead < length) throw new Error('the zstd data is cut short');
  return buffer;
}
