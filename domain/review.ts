import type { InferenceRow } from './inference.ts';

/** An answer that waits for a person: as the inference log has it, `answer`, `record` and `features` as JSON text. */
export type OpenReview = Pick<
  InferenceRow,
  'requestId' | 'at' | 'model' | 'modelVersion' | 'answer' | 'confidence' | 'record' | 'features' | 'keyId'
>;

/** `reviews/<endpoint>/open/<segment>.json`: what one segment of the log brought, write-once. */
export type OpenReviews = { readonly items: readonly OpenReview[] };

/** `reviews/<endpoint>/answers/<sha256 of the request's id>.json`: what a person said, write-once; the label's provenance. It holds nothing of the record. */
export type ReviewAnswer = Pick<OpenReview, 'requestId' | 'model' | 'modelVersion' | 'answer' | 'confidence'> & {
  /** As the log has it: the place of a class, 1 or 0, a number. */
  readonly label: number;
  /** As the person said it. */
  readonly given: string;
  readonly who: string;
  readonly why: string;
  /** ISO 8601 UTC. */
  readonly at: string;
};
