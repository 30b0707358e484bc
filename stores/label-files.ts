import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { isCoded } from '../domain/errors.ts';
import type { LabelRow } from '../domain/inference.ts';
import { keepFirstDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { openTables, pathLiteral } from './tables.ts';
import { labelPrefix } from './traffic.ts';

/** `label-files/<endpoint>/<sha256 of the file>.json`: a file of labels that was added, write-once. */
export type LabelFile = {
  readonly rows: number;
  /** When it was first added, ISO 8601 UTC: its labels lie under that hour. */
  readonly at: string;
  readonly who: string;
  readonly why: string;
};

/**
 * Puts labels beside those that came by requests, as one Parquet object; `name` is its own, so that the same labels again change nothing. `arrivedAt`
 * (ISO 8601 UTC) files them, since their own time may be any.
 *
 * @returns whether they were written now.
 */
export async function writeLabels(
  store: ObjectStore,
  endpoint: string,
  rows: AsyncIterable<LabelRow> | Iterable<LabelRow>,
  { name, arrivedAt }: { readonly name: string; readonly arrivedAt: string },
): Promise<boolean> {
  const key = `${labelPrefix(endpoint)}dt=${arrivedAt.slice(0, 10)}/hr=${arrivedAt.slice(11, 13)}/${name}.parquet`;
  const folder = await mkdtemp(join(tmpdir(), 'perdura-labels-'));
  try {
    const file = await toParquet(folder, rows);
    await store.write(key, await readFile(file), { ifAbsent: true });
    return true;
  } catch (error) {
    if (isCoded(error, 'CONFLICT')) return false;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Adds a whole file of labels: noted first, so that adding it again, even after a crash half-way, finds the same hour and writes the same object.
 *
 * @returns the note that stands, and whether the labels were written now.
 */
export async function addLabelFile(
  store: ObjectStore,
  endpoint: string,
  labels: { readonly sha256: string; readonly note: LabelFile; readonly rows: (note: LabelFile) => Iterable<LabelRow> },
): Promise<{ readonly note: LabelFile; readonly written: boolean }> {
  const { sha256 } = labels;
  const note = await keepFirstDocument(store, `label-files/${endpoint}/${sha256}.json`, labels.note);
  const written = await writeLabels(store, endpoint, labels.rows(note), { name: `file-${sha256}`, arrivedAt: note.at });
  return { note, written };
}

async function toParquet(folder: string, rows: AsyncIterable<LabelRow> | Iterable<LabelRow>): Promise<string> {
  const [lines, parquet] = [join(folder, 'labels.jsonl'), join(folder, 'labels.parquet')];
  await pipeline(Readable.from(linesOf(rows)), createWriteStream(lines));
  const tables = await openTables();
  try {
    await tables.all(
      `COPY (SELECT * FROM read_json(${pathLiteral(lines)}, format = 'newline_delimited',
         columns = {'requestId': 'VARCHAR', 'label': 'DOUBLE', 'at': 'TIMESTAMP'}))
       TO ${pathLiteral(parquet)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    return parquet;
  } finally {
    tables.close();
  }
}

async function* linesOf(rows: AsyncIterable<LabelRow> | Iterable<LabelRow>): AsyncGenerator<string> {
  for await (const { requestId, label, at } of rows) yield `${JSON.stringify({ requestId, label, at })}\n`;
}
