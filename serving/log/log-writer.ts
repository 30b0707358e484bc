import type { EndpointPolicy } from '../../domain/endpoint-policy.ts';
import type { FeatureRow } from '../../domain/features.ts';
import type { InferenceRow, LabelRow } from '../../domain/inference.ts';
import type { Output } from '../answering/answer.ts';

/** A row as a process hands it to the log, which hides, encrypts and serialises it by the endpoint's policy. */
export type LoggedRow = Omit<InferenceRow, 'record' | 'features' | 'answer' | 'review' | 'keyId' | 'at'> & {
  readonly record: unknown;
  readonly features: FeatureRow;
  readonly answer: Output | null;
};

/** What one process writes of the log: JSON lines on the local disk, in a folder of its own. It owns open files: close it. */
export type LogWriter = {
  /**
   * Resolves once the rows survive a kill -9 of this process; all rows of one turn of the event loop share one write.
   *
   * @throws CodedError DISK_FULL when they cannot be written; they are then not in the log.
   */
  append(policy: EndpointPolicy, rows: readonly LoggedRow[]): Promise<void>;
  /** As `append`; `arrivedAt` (ISO 8601 UTC) files the labels, since their own time may be any. */
  appendLabels(endpoint: string, labels: readonly LabelRow[], arrivedAt: string): Promise<void>;
  /** Writes what is pending and closes all segments. */
  close(): void;
};
