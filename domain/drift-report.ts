import type { Verdict } from './verdict.ts';

/** Counts over edges that were fixed once, from the reference: drift is compared over the same edges for ever. */
export type NumberProfile = {
  readonly kind: 'number';
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly missing: number;
};
export type CategoryProfile = {
  readonly kind: 'category';
  readonly values: readonly string[];
  readonly counts: readonly number[];
  readonly unseen: number;
  readonly missing: number;
};

/** The profile of a model's training part: travels in its package as profile.json. `rows` is what the counts rest on. */
export type TrainingProfile = {
  readonly rows: number;
  readonly features: Readonly<Record<string, NumberProfile | CategoryProfile>>;
  /** The model's own predictions on the training part; of several classes the place of the most likely one. */
  readonly prediction: NumberProfile;
  /** Share of true labels on the training part; null where the target is not binary. */
  readonly labelShare: number | null;
};

/** One detector's answer on one window. */
export type DriftSignal = {
  readonly name: string;
  readonly statistic: 'psi' | 'calibration-gap';
  readonly value: number;
  readonly pValue: number;
  /** After the false discovery rate was controlled over all signals of the window. */
  readonly adjustedPValue: number;
  readonly significant: boolean;
  /** Above the floor of the policy: large enough to matter. */
  readonly material: boolean;
};

/** What one look of the monitor saw. */
export type DriftReport = {
  readonly endpoint: string;
  readonly model: string;
  readonly modelVersion: string;
  /** `labels`: how many of the requests have a known outcome. */
  readonly window: { readonly from: string; readonly to: string; readonly requests: number; readonly labels: number };
  readonly signals: readonly DriftSignal[];
  /** `fail`: drift that is significant and material; `inconclusive`: too few requests to say. */
  readonly verdict: Verdict;
  readonly reason: string;
};

/** How the monitor decides: plain JSON. */
export type DriftPolicy = {
  /**
   * A window is this many answers, the next ones by time, with or without outcome; windows do not overlap. It is judged once all
   * outcomes are known, or four fifths of them and as many answers have come since: what is labelled first is no fair sample.
   */
  readonly windowRequests: number;
  readonly falseDiscoveryRate: number;
  /** Floor for PSI beyond its expectation under no drift, and for |mean label - mean prediction|. */
  readonly materialPsi: number;
  readonly materialGap: number;
  /** The same drift (a gap: to the same side) must be seen in this many of the last `outOf` windows before retraining starts. */
  readonly sustained: number;
  readonly outOf: number;
};
