/** One normal hill of a Parzen estimator, cut off at 0 and 1. */
type Hill = { readonly centre: number; readonly width: number };

/** A density on [0, 1] made of equal hills. */
export type Parzen = { readonly hills: readonly Hill[] };

/** The one hill that stands for what is believed before any trial. */
const prior: Hill = { centre: 0.5, width: 1 };

/**
 * An adaptive Parzen estimator over places in [0, 1] (Bergstra et al. 2011): a hill on each place, as wide as the larger distance to its
 * neighbours, and the prior. Narrower than 1 / min(100, n + 1) no hill gets, so that a few close trials do not end the search.
 */
export function parzen(places: readonly number[]): Parzen {
  const sorted = [...places, prior.centre].toSorted((a, b) => a - b);
  const least = 1 / Math.min(100, places.length + 2);
  const hills = places.map((centre): Hill => {
    const at = sorted.indexOf(centre);
    const below = sorted[at - 1] ?? 0;
    const above = sorted[at + 1] ?? 1;
    return { centre, width: Math.min(1, Math.max(least, centre - below, above - centre)) };
  });
  return { hills: [...hills, prior] };
}

/** A place drawn from the density, by two uniform numbers: which hill, and where under it (inverse of the cut-off normal). */
export function drawParzen({ hills }: Parzen, which: number, where: number): number {
  const { centre, width } = hills[Math.min(hills.length - 1, Math.floor(which * hills.length))] ?? prior;
  const below = normalCdf(-centre / width);
  const above = normalCdf((1 - centre) / width);
  const wanted = below + where * (above - below);
  let [low, high] = [0, 1];
  // Halving 40 times reaches the last bits of a place; the distribution grows everywhere.
  for (let step = 0; step < 40; step += 1) {
    const middle = (low + high) / 2;
    if (normalCdf((middle - centre) / width) < wanted) low = middle;
    else high = middle;
  }
  return Math.min((low + high) / 2, 1 - 2 ** -30);
}

/** Logarithm of the density at a place. */
export function logParzen({ hills }: Parzen, place: number): number {
  const densities = hills.map(({ centre, width }) => {
    const mass = normalCdf((1 - centre) / width) - normalCdf(-centre / width);
    return Math.exp(-0.5 * ((place - centre) / width) ** 2) / (width * Math.sqrt(2 * Math.PI) * mass);
  });
  return Math.log(densities.reduce((sum, density) => sum + density, 0) / hills.length);
}

/** Abramowitz and Stegun 7.1.26, off by at most 1.5e-7: a proposal needs no more. */
function normalCdf(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp((-x * x) / 2);
  return x >= 0 ? 1 - tail / 2 : tail / 2;
}
