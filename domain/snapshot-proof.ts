/** What can be wrong with a pinned object, or with the bucket that holds it. */
export type SnapshotFault =
  | 'version-deleted'
  | 'bytes-changed'
  | 'manifest-altered'
  | 'part-missing'
  | 'versioning-suspended'
  | 'lifecycle-would-expire';

/** One fault: `key` is the object, or the bucket itself; `detail` says what was found, for a person. */
export type SnapshotFinding = { readonly fault: SnapshotFault; readonly key: string; readonly detail: string };

/** What `perdura snapshot verify` answers: whole when there is no finding. `bytesRead` is 0 where only versions and sizes were asked. */
export type SnapshotProof = {
  readonly dataset: string;
  readonly digest: string;
  readonly files: number;
  readonly bytesRead: number;
  /** What could not be asked of this bucket and why, such as a server that does not know lifecycle rules. */
  readonly notChecked: readonly string[];
  readonly findings: readonly SnapshotFinding[];
};
