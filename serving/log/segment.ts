import { closeSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { inferencePrefix, labelPrefix } from '../../stores/traffic.ts';

/** What a segment's rows are: InferenceRow or LabelRow. */
export type LogKind = 'inference' | 'labels';

/** One file of JSON lines that becomes one Parquet object: one endpoint, one hour (UTC), one process. */
export type Segment = {
  readonly kind: LogKind;
  readonly endpoint: string;
  /** The key of its Parquet object. */
  readonly key: string;
  /** Where its lines are, once it is closed. */
  readonly file: string;
};

/** A segment that lines are appended to. It owns a file descriptor. */
export type OpenSegment = {
  /** `2026-11-21T09`. */
  readonly hour: string;
  rows(): number;
  /**
   * Appends lines with one write, which is in the kernel's hands when this returns: a kill -9 of the process does not take it back.
   *
   * @throws the file system's error; the file then ends as it did before, and takes no more.
   */
  append(lines: string, rows: number): void;
  close(): void;
};

/** What a segment's file is called beside `<key>.jsonl`: while lines are appended; after its rows are in the bucket. */
export const openEnding = '.open';
export const broughtEnding = '.brought';

/** The hour of a time in ISO 8601 UTC: what segments and Parquet objects are parted by. */
export const hourOf = (at: string): string => at.slice(0, 13);

/**
 * Starts a segment. `name` must never come twice: it is in the key, and an object that is already there is taken for this segment's own.
 * The file's name is the key, so that whoever finds it knows where it belongs; `.open` behind it says that it may still grow.
 */
export function openSegment(options: {
  readonly folder: string;
  readonly kind: LogKind;
  readonly endpoint: string;
  readonly hour: string;
  readonly name: string;
}): OpenSegment {
  const { folder, kind, endpoint, hour } = options;
  const prefix = kind === 'inference' ? inferencePrefix(endpoint) : labelPrefix(endpoint);
  const [date, hourOfDay] = hour.split('T');
  const key = `${prefix}dt=${date}/hr=${hourOfDay}/${options.name}.parquet`;
  const file = join(folder, `${encodeURIComponent(key)}.jsonl`);
  const descriptor = openSync(`${file}${openEnding}`, 'ax');
  let rows = 0;
  let sizeBytes = 0;
  return {
    hour,
    rows: () => rows,
    append(lines, count) {
      const bytes = Buffer.byteLength(lines);
      try {
        writeAll(descriptor, lines, bytes);
      } catch (error) {
        ftruncateSync(descriptor, sizeBytes);
        throw error;
      }
      rows += count;
      sizeBytes += bytes;
    },
    close() {
      closeSync(descriptor);
      renameSync(`${file}${openEnding}`, file);
    },
  };
}

/** The segment that a file of the log folder is, whatever stands behind `.jsonl` in its name; null for any other file. */
export function segmentOfFile(folder: string, name: string): Segment | null {
  const [, encoded] = /^(.+\.parquet)\.jsonl(?:\.open|\.brought)?$/.exec(name) ?? [];
  if (encoded === undefined) return null;
  const key = decodeURIComponent(encoded);
  const [kind, endpoint] = key.split('/');
  if ((kind !== 'inference' && kind !== 'labels') || endpoint === undefined) return null;
  return { kind, endpoint, key, file: join(folder, `${encoded}.jsonl`) };
}

/** Mostly one call; a text is written without a copy of its bytes. */
function writeAll(descriptor: number, text: string, size: number): void {
  let written = writeSync(descriptor, text);
  if (written === size) return;
  const bytes = Buffer.from(text);
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}
