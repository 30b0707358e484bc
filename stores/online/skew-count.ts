import type { FeatureRow } from '../../domain/features.ts';

/** One feature as served beside the same recomputed. */
export type FeatureSkew = {
  readonly feature: string;
  readonly compared: number;
  readonly different: number;
  /** Of numbers, absolute; null where none differs, or only texts do, or one side lacks it. */
  readonly largestDifference: number | null;
  /** Ids of up to five requests where it differs. */
  readonly requests: readonly string[];
};

/** Counts skew feature by feature, in memory that does not grow with the requests. */
export type SkewCount = {
  add(requestId: string, served: FeatureRow, recomputed: FeatureRow): void;
  /** Those that differ most often first, then by name. */
  features(): readonly FeatureSkew[];
};

const requestsAtMost = 5;
/** Sums taken in another order differ in the last bits; what changes a prediction differs by far more. */
const relativeTolerance = 1e-9;

/** Starts a count. */
export function createSkewCount(): SkewCount {
  const counts = new Map<string, FeatureSkew>();
  return {
    add(requestId, served, recomputed) {
      for (const feature of new Set([...Object.keys(served), ...Object.keys(recomputed)])) {
        const count = counts.get(feature) ?? emptyCount(feature);
        counts.set(feature, counted(count, requestId, [served[feature], recomputed[feature]]));
      }
    },
    features: () =>
      [...counts.values()].toSorted((a, b) => b.different - a.different || (a.feature < b.feature ? -1 : 1)),
  };
}

function emptyCount(feature: string): FeatureSkew {
  return { feature, compared: 0, different: 0, largestDifference: null, requests: [] };
}

type Value = number | string | undefined;

function counted(count: FeatureSkew, requestId: string, [served, recomputed]: readonly [Value, Value]): FeatureSkew {
  const compared = count.compared + 1;
  if (isSame(served, recomputed)) return { ...count, compared };
  const difference =
    typeof served === 'number' && typeof recomputed === 'number' ? Math.abs(served - recomputed) : null;
  return {
    ...count,
    compared,
    different: count.different + 1,
    largestDifference:
      difference === null ? count.largestDifference : Math.max(count.largestDifference ?? 0, difference),
    requests: count.requests.length < requestsAtMost ? [...count.requests, requestId] : count.requests,
  };
}

function isSame(served: Value, recomputed: Value): boolean {
  if (served === recomputed) return true;
  if (typeof served !== 'number' || typeof recomputed !== 'number') return false;
  const larger = Math.max(Math.abs(served), Math.abs(recomputed));
  return Math.abs(served - recomputed) <= relativeTolerance * larger;
}
