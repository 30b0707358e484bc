import type { DriftPolicy, DriftReport } from '../../domain/drift-report.ts';

/** What the monitor may ask; runs on the `data` queue. */
export type MonitoringActivities = {
  /**
   * Looks at the next full window of live answers of the endpoint's champion that were answered after `after` (ISO 8601; null: from
   * the champion's first); null while there is no full window yet, or too few of its outcomes are known. Reads only.
   */
  measureDrift(request: {
    readonly endpoint: string;
    readonly model: string;
    readonly after: string | null;
    readonly policy: DriftPolicy;
  }): Promise<DriftReport | null>;
};
