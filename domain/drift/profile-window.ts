import type { CategoryProfile, NumberProfile, TrainingProfile } from '../drift-report.ts';

/** One answered request as the profile sees it: its features as they were logged, and the model's probability. */
export type ProfiledRow = { readonly features: Readonly<Record<string, unknown>>; readonly prediction: number };

/** Counts of one window over the reference's own edges and values. */
export type WindowProfile = {
  readonly rows: number;
  readonly features: Readonly<Record<string, NumberProfile | CategoryProfile>>;
  readonly prediction: NumberProfile;
};

/**
 * Counts a window over the bins that were fixed in training: PSI means nothing over other bins. What is absent, null, not finite
 * or of another kind than in training is `missing`; a category that training never saw is `unseen`.
 */
export function profileWindow(reference: TrainingProfile, rows: readonly ProfiledRow[]): WindowProfile {
  const features = Object.entries(reference.features).map(([name, profile]) => {
    const values = rows.map((row) => row.features[name]);
    return [
      name,
      profile.kind === 'number' ? countNumbers(profile, values) : countCategories(profile, values),
    ] as const;
  });
  const predictions = rows.map(({ prediction }) => prediction);
  return {
    rows: rows.length,
    features: Object.fromEntries(features),
    prediction: countNumbers(reference.prediction, predictions),
  };
}

/**
 * The bin of a number: how many inner edges are at or below it, so bins are [edge, next edge) and both ends are open. Inner edges
 * are all `edges` where there is one more count than edges; where there is one fewer, the first and last edge are the reference's
 * own minimum and maximum and bound nothing.
 */
export function binOf(profile: NumberProfile, value: number): number {
  const bounded = profile.counts.length < profile.edges.length;
  const inner = bounded ? profile.edges.slice(1, -1) : profile.edges;
  const next = inner.findIndex((edge) => value < edge);
  return next === -1 ? inner.length : next;
}

function countNumbers(reference: NumberProfile, values: readonly unknown[]): NumberProfile {
  const counts = reference.counts.map(() => 0);
  let missing = 0;
  for (const value of values) {
    if (typeof value !== 'number' || !Number.isFinite(value)) missing++;
    else increment(counts, binOf(reference, value));
  }
  return { ...reference, counts, missing };
}

function countCategories(reference: CategoryProfile, values: readonly unknown[]): CategoryProfile {
  const places = new Map(reference.values.map((value, place) => [value, place]));
  const counts = reference.values.map(() => 0);
  let unseen = 0;
  let missing = 0;
  for (const value of values) {
    const place = typeof value === 'string' ? places.get(value) : undefined;
    if (place !== undefined) increment(counts, place);
    else if (typeof value === 'string') unseen++;
    else missing++;
  }
  return { ...reference, counts, unseen, missing };
}

function increment(counts: number[], place: number): void {
  counts[place] = (counts[place] ?? 0) + 1;
}
