import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline as pipe } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

const block = 512;
const mebibyte = 1_048_576;

/**
 * Takes one file out of a .tar.gz, by its name in whatever folder, and writes it to `target`. Own reader instead of the system's `tar`:
 * small containers have none, and here no path of the archive is ever used on this disk. Reads plain POSIX headers (ustar) and passes
 * over all others (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html).
 *
 * @returns false when the archive holds no such file.
 * @throws Error when the archive is cut off or is not one.
 */
export async function extractFromTar(archive: string, name: string, target: string): Promise<boolean> {
  const unpacked = createGunzip();
  // A failure of either stream reaches the reader, which awaits `unpacked`; so the callback has nothing to add.
  pipe(createReadStream(archive), unpacked, () => undefined);
  const reader = blocksOf(unpacked);
  for (;;) {
    const header = await reader.take(block);
    if (header === null || header.every((byte) => byte === 0)) return false;
    const { path, type, size } = parseHeader(header);
    const padded = Math.ceil(size / block) * block;
    if ((type === '0' || type === '\0') && path.split('/').at(-1) === name) {
      await pipeline(member(reader, size), createWriteStream(target, { flags: 'wx' }));
      reader.close();
      return true;
    }
    await reader.skip(padded);
  }
}

function parseHeader(header: Uint8Array): { path: string; type: string; size: number } {
  const text = Buffer.from(header).toString('latin1');
  const field = (from: number, length: number): string => text.slice(from, from + length).split('\0')[0] ?? '';
  const size = Number.parseInt(field(124, 12).trim(), 8);
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (!Number.isFinite(size) || sum !== Number.parseInt(field(148, 8).trim(), 8)) throw new Error('not a tar archive');
  return { path: field(0, 100), type: text.charAt(156), size };
}

async function* member(reader: Blocks, size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0;) {
    const chunk = await reader.take(Math.min(left, mebibyte));
    if (chunk === null) throw new Error('the archive is cut off');
    yield chunk;
    left -= chunk.length;
  }
}

type Blocks = {
  /** Exactly so many bytes; null at the end. */
  take(bytes: number): Promise<Uint8Array | null>;
  skip(bytes: number): Promise<void>;
  close(): void;
};

function blocksOf(stream: AsyncIterable<Uint8Array> & { destroy(): unknown }): Blocks {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  async function take(bytes: number): Promise<Uint8Array | null> {
    const parts = [rest];
    let have = rest.length;
    while (have < bytes) {
      const next = await chunks.next();
      if (next.done === true) return null;
      parts.push(Buffer.from(next.value));
      have += next.value.length;
    }
    const whole = parts.length === 1 ? rest : Buffer.concat(parts);
    rest = whole.subarray(bytes);
    return whole.subarray(0, bytes);
  }
  return {
    take,
    async skip(bytes) {
      for (let left = bytes; left > 0; left -= Math.min(left, mebibyte)) {
        if ((await take(Math.min(left, mebibyte))) === null) throw new Error('the archive is cut off');
      }
    },
    close: () => void stream.destroy(),
  };
}
