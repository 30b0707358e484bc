import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { InferenceRow, LabelRow } from '../../domain/inference.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { openTables } from '../../stores/tables.ts';
import { lockReplica } from './replica-lock.ts';
import { createRowLog } from './row-log.ts';
import { leftBehind } from './left-behind.ts';
import type { Segment } from './segment.ts';
import { createUploader } from './uploader.ts';

/** What was answered, first on the local disk, then as Parquet in the bucket. */
export type InferenceLog = {
  /** Resolves once the row survives a kill -9 of this process. @throws CodedError DISK_FULL. */
  append(row: InferenceRow): Promise<void>;
  /** As `append`; `arrivedAt` (ISO 8601 UTC) files the label, since its own time may be any. @throws CodedError DISK_FULL. */
  appendLabels(endpoint: string, labels: readonly LabelRow[], arrivedAt: string): Promise<void>;
  /** Uploads what there is for at most so long; the rest stays on the disk for the next start. */
  close(options: { readonly atMostMs: number }): Promise<void>;
};

export type InferenceLogOptions = {
  readonly store: ObjectStore;
  /** Holds the segments of all replicas, one folder each. */
  readonly folder: string;
  readonly replica: string;
  readonly flushEveryMs: number;
  /** Told of each segment of this process that is in the bucket. */
  readonly onUploaded: (segment: Segment, rows: number) => void;
  readonly report: (line: string) => void;
};

const maxSegmentRows = 50_000;

/**
 * Opens the log of one replica and begins to upload the segments that ended processes left, of this replica or another on the same disk.
 *
 * @throws CodedError CONFLICT when another process writes the same replica's log.
 */
export async function openInferenceLog(options: InferenceLogOptions): Promise<InferenceLog> {
  const folder = join(options.folder, options.replica);
  const lock = await lockReplica(folder);
  const tables = await openTables({ threads: 1, memoryLimit: '256MiB', temporaryFolder: join(folder, 'tmp') });
  const left = await leftBehind(options.folder, options.replica);
  const uploader = createUploader({
    store: options.store,
    tables,
    report: options.report,
    onDone: (segment, rows) => {
      left.done(segment);
      if (segment.rows !== null && rows > 0) options.onUploaded(segment, rows);
    },
  });
  for (const segment of left.segments) uploader.add(segment);
  const rows = createRowLog({
    folder,
    replica: options.replica,
    startId: `${Date.now()}-${randomBytes(3).toString('hex')}`,
    flushEveryMs: options.flushEveryMs,
    maxRows: maxSegmentRows,
    onClosed: (segment) => uploader.add(segment),
  });
  return {
    append: (row) => rows.append({ kind: 'inference', endpoint: row.endpoint }, row.at, row),
    async appendLabels(endpoint, labels, arrivedAt) {
      await Promise.all(labels.map((label) => rows.append({ kind: 'labels', endpoint }, arrivedAt, label)));
    },
    async close({ atMostMs }) {
      rows.close();
      await uploader.drain({ atMostMs });
      tables.close();
      left.release();
      lock.release();
    },
  };
}
