import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** SHA-256 as lower-case hex; text is hashed as UTF-8. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** SHA-256 of a local file as lower-case hex, streamed: files may be larger than memory. Throws Node's own error (ENOENT, …). */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}
