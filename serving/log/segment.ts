import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
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
  readonly file: string;
  /** Lines in it, all whole; null for a segment that an earlier process left. */
  readonly rows: number | null;
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
  append(lines: readonly string[]): void;
  close(): Segment;
};

/** The hour of a time in ISO 8601 UTC: what segments and Parquet objects are parted by. */
export const hourOf = (at: string): string => at.slice(0, 13);

/**
 * Starts a segment. `sequence` must never come twice for one replica: it is in the key, and an object that is already there is taken
 * for this segment's own. The file's name is the key, so that a later process knows where a segment left behind belongs.
 */
export function openSegment(options: {
  readonly folder: string;
  readonly kind: LogKind;
  readonly endpoint: string;
  readonly hour: string;
  readonly replica: string;
  readonly sequence: string;
}): OpenSegment {
  const { folder, kind, endpoint, hour } = options;
  const prefix = kind === 'inference' ? inferencePrefix(endpoint) : labelPrefix(endpoint);
  const [date, hourOfDay] = hour.split('T');
  const key = `${prefix}dt=${date}/hr=${hourOfDay}/${options.replica}-${options.sequence}.parquet`;
  const file = join(folder, `${encodeURIComponent(key)}.jsonl`);
  const descriptor = openSync(file, 'ax');
  let rows = 0;
  let sizeBytes = 0;
  return {
    hour,
    rows: () => rows,
    append(lines) {
      const bytes = Buffer.from(lines.join(''));
      try {
        writeAll(descriptor, bytes);
      } catch (error) {
        ftruncateSync(descriptor, sizeBytes);
        throw error;
      }
      rows += lines.length;
      sizeBytes += bytes.length;
    },
    close() {
      closeSync(descriptor);
      return { kind, endpoint, key, file, rows };
    },
  };
}

/** The segment that a file of the log folder is, or null for any other file. */
export function segmentOfFile(folder: string, name: string): Segment | null {
  if (!name.endsWith('.parquet.jsonl')) return null;
  const key = decodeURIComponent(name.slice(0, -'.jsonl'.length));
  const [kind, endpoint] = key.split('/');
  if ((kind !== 'inference' && kind !== 'labels') || endpoint === undefined) return null;
  return { kind, endpoint, key, file: join(folder, name), rows: null };
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}
