import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import yauzl, { type Entry, type ZipFile } from 'yauzl';

const openZip = promisify<string, yauzl.Options, ZipFile>(yauzl.open);

/**
 * Unpacks the files of a zip below a folder. `place` says where each goes, relative to the folder, or null to leave it out;
 * yauzl itself refuses absolute paths and `..`.
 *
 * @throws Error when the zip is damaged or names a path outside the folder.
 */
export async function unzip(file: string, folder: string, place: (name: string) => string | null): Promise<number> {
  const zip = await openZip(file, { lazyEntries: true, autoClose: true });
  const made = new Set<string>();
  let files = 0;
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', resolve);
    zip.on('entry', (entry: Entry) => {
      writeEntry(zip, entry, folder, place, made).then((written) => {
        files += written;
        zip.readEntry();
      }, reject);
    });
    zip.readEntry();
  }).finally(() => zip.close());
  return files;
}

async function writeEntry(
  zip: ZipFile,
  entry: Entry,
  folder: string,
  place: (name: string) => string | null,
  made: Set<string>,
): Promise<number> {
  const target = entry.fileName.endsWith('/') ? null : place(entry.fileName);
  if (target === null) return 0;
  const file = path.join(folder, target);
  const parent = path.dirname(file);
  if (!made.has(parent)) await mkdir(parent, { recursive: true });
  made.add(parent);
  const read = promisify<Entry, Readable>(zip.openReadStream.bind(zip));
  await pipeline(await read(entry), createWriteStream(file));
  return 1;
}
