import type { FeatureRow } from '../../domain/features.ts';

/** A copy of a live request for one shadow: the raw record, or where the request came as tensors its features. */
export type ShadowJob = {
  readonly requestId: string;
  readonly subject: string;
  readonly record: unknown;
  /** Null where `record` holds the request. */
  readonly features: FeatureRow | null;
};

/** The way from an answering process to the host of one shadow. Nothing here waits for the shadow. */
export type ShadowFeed = {
  /** Hands a copy on, or drops it when too much is on the way already. */
  offer(job: ShadowJob): void;
  /** Copies dropped here since it was opened. */
  dropped(): number;
  close(): void;
};
