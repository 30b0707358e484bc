/** What moved a branch, or named a snapshot; `accepted` is the gate's word, on the branch `accepted`. */
export type HistoryEvent = 'created' | 'accepted' | 'branched' | 'merged' | 'rolledBack' | 'tagged';

/**
 * One line of a dataset's history. `from` is where the branch stood before (null: it is new), `to` where it stands since.
 * `entryId` makes a repeated call one entry.
 */
export type HistoryEntry = {
  readonly entryId: string;
  readonly at: string;
  readonly who: string;
  readonly why: string;
  readonly event: HistoryEvent;
  /** The branch that moved; for `tagged` the tag. */
  readonly name: string;
  readonly from: string | null;
  readonly to: string;
  /** Only for `merged`: the snapshot that was merged into `from`. */
  readonly merged?: string;
  readonly dataVersion: string;
  /** Why the data version is this one, a sentence a reason. */
  readonly reasons: readonly string[];
};

/** Where a branch or tag stands. */
export type NamedSnapshot = { readonly digest: string; readonly dataVersion: string };

/**
 * `snapshots/<dataset>/history.json`, changed by compare-and-set. Branches move with each snapshot that is made on them; `latest` is the one
 * that always exists. Tags never move. Branches and tags share their names: `flights@latest`, `flights@2001-q1`.
 */
export type SnapshotHistory = {
  readonly dataset: string;
  readonly branches: Readonly<Record<string, NamedSnapshot>>;
  readonly tags: Readonly<Record<string, NamedSnapshot>>;
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
};
