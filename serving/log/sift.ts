import { createReadStream } from 'node:fs';
import { access, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { rowKey } from './lines.ts';
import { broughtEnding, openEnding } from './segment.ts';

/**
 * Leaves those rows of a killed process's segment out that another process logged too: the client got no answer, sent the request again, and that
 * answer counts. `others`: files of other processes' segments by the name that they have once closed. The file is written anew, whole or not at all,
 * so that whoever looks at it later sees only what is its own; a torn last line, which was never answered, then goes too.
 *
 * @returns how many rows were left out.
 */
export async function siftSegment(file: string, others: readonly string[]): Promise<number> {
  const own = new Set<string>();
  for await (const line of wholeLines(file)) {
    const key = rowKey(line);
    if (key !== null) own.add(key);
  }
  const elsewhere = new Set<string>();
  for (const other of others) {
    const present = own.size === 0 ? null : await presentName(other);
    if (present === null) continue;
    for await (const line of wholeLines(present)) {
      const key = rowKey(line);
      if (key !== null && own.has(key)) elsewhere.add(key);
    }
  }
  if (elsewhere.size > 0) await writeWithout(file, elsewhere);
  return elsewhere.size;
}

/** A segment is renamed while others look at it, but only this way; null: it is gone. An open file stays readable whatever it is called. */
async function presentName(file: string): Promise<string | null> {
  for (const name of [`${file}${openEnding}`, file, `${file}${broughtEnding}`]) {
    const found = await access(name).then(
      () => true,
      () => false,
    );
    if (found) return name;
  }
  return null;
}

/** It keeps its time: by that is told which segments of a killed process were its last. */
async function writeWithout(file: string, leftOut: ReadonlySet<string>): Promise<void> {
  const { atime, mtime } = await stat(file);
  const part = `${file}.part`;
  await writeFile(part, keptLines(file, leftOut));
  await utimes(part, atime, mtime);
  await rename(part, file);
}

async function* keptLines(file: string, leftOut: ReadonlySet<string>): AsyncIterable<Uint8Array> {
  for await (const line of wholeLines(file)) {
    const key = rowKey(line);
    if (key === null || !leftOut.has(key)) yield Buffer.from(`${line}\n`);
  }
}

/** Lines that end as lines do; what a crash tore off is not one. Only a newline ends one: other ends of a line may stand within strings. */
async function* wholeLines(file: string): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, 'utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
