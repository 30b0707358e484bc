import type { DataSlice } from './snapshot.ts';

export type Alias = 'champion' | 'challenger';

/** One version in the registry. `pending` until its package is whole. */
export type ModelVersion = {
  readonly modelVersion: string;
  /** Idempotency key: the step that registered it. */
  readonly registrationId: string;
  readonly status: 'pending' | 'ready' | 'rejected';
  readonly packageDigest: string | null;
  readonly run: { readonly pipeline: string; readonly workflowId: string; readonly runId: string };
  readonly data: DataSlice;
  readonly createdAt: string;
  /** Why it was rejected, where it was. */
  readonly reason: string | null;
};

/** One move of an alias, kept for ever. */
export type AliasMove = {
  /** Idempotency key: the step that moved it. */
  readonly moveId: string;
  readonly alias: Alias;
  readonly from: string | null;
  readonly to: string | null;
  readonly at: string;
  readonly who: string;
  readonly why: string;
  /** SHA-256 of the canonical JSON of the decision that it rests on. */
  readonly evidenceSha256: string;
};

/** `registry/<model>.json`: changed by compare-and-set only. */
export type Registry = {
  readonly model: string;
  readonly versions: readonly ModelVersion[];
  readonly aliases: Readonly<Partial<Record<Alias, string>>>;
  readonly moves: readonly AliasMove[];
};
