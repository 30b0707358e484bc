import type { MetricPoint } from '../../domain/trainer.ts';

/** The metric points of one attempt, bounded. */
export type MetricTrack = {
  add(point: MetricPoint): void;
  /**
   * Takes the points of an earlier attempt whose checkpoint this one goes on from. Where the trainer reports a step again, because it
   * began anew, its own points replace them from that step on.
   */
  restore(points: readonly MetricPoint[]): void;
  /** In the order in which they were reported; of many, every k-th of each metric. */
  points(): readonly MetricPoint[];
  /** The last finite value of each metric. */
  last(): Readonly<Record<string, number>>;
};

const mostPoints = 100_000;
/** The last value of each stands in the run's history. */
const mostNames = 1_000;
const longestName = 200;

/**
 * Collects metric points. Above 100,000 only every second point of each metric is kept, then every fourth, and so on: each curve keeps its
 * shape, and a metric that is reported rarely is not lost among others. What is left out is said once by `onNote`.
 */
export function trackMetrics(
  onNote: (text: string) => void,
  limits: { readonly points: number; readonly names: number } = { points: mostPoints, names: mostNames },
): MetricTrack {
  let kept: { readonly place: number; readonly point: MetricPoint }[] = [];
  let every = 1;
  const restored = new Set<string>();
  const counts = new Map<string, number>();
  const last = new Map<string, number>();
  const noteOnce = once(onNote);
  const track: MetricTrack = {
    restore(points) {
      for (const point of points) track.add(point);
      for (const { name } of points) restored.add(name);
    },
    add(point) {
      const { name, value } = point;
      const isNew = !counts.has(name);
      if (name.length > longestName || (isNew && counts.size >= limits.names))
        return noteOnce('names', `More than ${limits.names} metrics, or names above ${longestName} letters: not kept`);
      if (!Number.isFinite(value)) return noteOnce(name, `${name} was reported as ${value}: such values are not kept`);
      if (restored.delete(name)) kept = kept.filter((each) => each.point.name !== name || each.point.step < point.step);
      const place = counts.get(name) ?? 0;
      counts.set(name, place + 1);
      last.set(name, value);
      if (place % every !== 0) return;
      kept.push({ place, point });
      if (kept.length <= limits.points) return;
      every *= 2;
      kept = kept.filter((each) => each.place % every === 0);
      noteOnce('points', `More than ${limits.points} metric points: from here on a part of them is kept`);
    },
    points: () => kept.map(({ point }) => point),
    last: () => Object.fromEntries([...last].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
  return track;
}

function once(onNote: (text: string) => void): (about: string, text: string) => void {
  const said = new Set<string>();
  return (about, text) => {
    if (said.has(about)) return;
    said.add(about);
    onNote(text);
  };
}
