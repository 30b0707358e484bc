import type { BinnedSamples } from './population-stability-index.ts';

/** How many rows of the smaller sample a bin would hold, were both alike, for the chi-square approximation to be trusted in it. */
const enough = 10;

/** What would hold fewer than `hardlyAny` and holds `plenty` is no chance: such a bin is kept, or a new value would hide in the pool. */
const hardlyAny = 5;
const plenty = 20;

/**
 * Pools bins too rare to be compared one by one: those that would hold fewer than ten rows of the smaller sample, were both samples
 * alike. The pool stands last; where it is still rare it goes into the largest bin, which it changes least. A bin that would hold fewer
 * than five and holds twenty is kept: a value that the reference never had must be seen. Bins that both leave empty are left out.
 *
 * That exception must be out of chance's reach. Keeping any bin that happens to hold twenty rows would pick the bins by what is to be
 * tested: with 41 equal bins of 600 rows it makes nearly every check without drift an alarm. Ten, not the five of Cochran's rule
 * (Biometrics 10, 1954), because p values matter here far below 0.05.
 */
export function mergeRareBins(samples: BinnedSamples): BinnedSamples {
  const n = samples.reference.reduce((sum, count) => sum + count, 0);
  const m = samples.current.reduce((sum, count) => sum + count, 0);
  const bins = samples.reference
    .map((reference, place) => ({ reference, current: samples.current[place] ?? 0 }))
    .filter(({ reference, current }) => reference + current > 0);
  const isRare = ({ reference, current }: Counts): boolean => {
    const alike = ((reference + current) * Math.min(n, m)) / (n + m);
    const held = m <= n ? current : reference;
    return alike < enough && !(alike < hardlyAny && held >= plenty);
  };
  const kept = bins.filter((bin) => !isRare(bin));
  const pool = bins.filter(isRare).reduce(add, { reference: 0, current: 0 });
  const merged = pool.reference + pool.current === 0 ? kept : isRare(pool) ? intoLargest(kept, pool) : [...kept, pool];
  return { reference: merged.map(({ reference }) => reference), current: merged.map(({ current }) => current) };
}

type Counts = { readonly reference: number; readonly current: number };

function intoLargest(bins: readonly Counts[], pool: Counts): readonly Counts[] {
  const sizes = bins.map(({ reference, current }) => reference + current);
  const largest = sizes.indexOf(Math.max(...sizes));
  return largest === -1 ? [pool] : bins.map((bin, place) => (place === largest ? add(bin, pool) : bin));
}

function add(a: Counts, b: Counts): Counts {
  return { reference: a.reference + b.reference, current: a.current + b.current };
}
