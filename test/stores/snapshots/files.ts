import { createHash } from 'node:crypto';

import type { Snapshot, SnapshotFile } from '../../../domain/snapshot.ts';
import { inKeyOrder } from '../../../stores/snapshots/key-order.ts';

/** A file whose digest is that of some words, so that other words are other bytes. */
export function fileOf(key: string, words = key): SnapshotFile {
  const sha256 = createHash('sha256').update(words).digest('hex');
  return {
    key,
    s3VersionId: `v-${words}`,
    sizeBytes: words.length,
    sha256,
    rows: 1 + (words.length % 7),
    format: 'csv',
  };
}

/** A snapshot of files in key order, with one column unless said otherwise. */
export function snapshotOf(files: readonly SnapshotFile[], facts: Partial<Snapshot> = {}): Snapshot {
  return {
    dataset: 'flights',
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    columns: [{ name: 'delay', type: 'integer' }],
    deviations: [],
    dialect: null,
    ...facts,
    files: inKeyOrder(files),
  };
}

/** Keys of a folder by number, `count` of them. */
export function manyFiles(count: number): readonly SnapshotFile[] {
  return Array.from({ length: count }, (_, index) => fileOf(`data/flights/${String(index).padStart(7, '0')}.csv`));
}
