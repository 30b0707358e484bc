// By name: a proposal calls them a million times, and `Math` is looked up slowly where modules run in a context of their own.
const { abs, exp, floor, log, max, min, sqrt, PI, SQRT2 } = Math;

/** One normal hill of a Parzen estimator, cut off at 0 and 1. */
type Hill = {
  readonly centre: number;
  readonly width: number;
  /** What the bell is divided by, so that its area between 0 and 1 is 1. */
  readonly area: number;
};

/** A density on [0, 1] made of equal hills. */
export type Parzen = { readonly hills: readonly Hill[] };

/** The one hill that stands for what is believed before any trial. */
const prior = hillOf(0.5, 1);

/**
 * An adaptive Parzen estimator over places in [0, 1] (Bergstra et al. 2011): a hill on each place, as wide as the larger distance to its
 * neighbours, and the prior. Narrower than 1 / min(100, n + 1) no hill gets, so that a few close trials do not end the search.
 */
export function parzen(places: readonly number[]): Parzen {
  const sorted = [...places, prior.centre].toSorted((a, b) => a - b);
  const least = 1 / min(100, places.length + 2);
  const hills = places.map((centre): Hill => {
    const at = sorted.indexOf(centre);
    const below = sorted[at - 1] ?? 0;
    const above = sorted[at + 1] ?? 1;
    return hillOf(centre, min(1, max(least, centre - below, above - centre)));
  });
  return { hills: [...hills, prior] };
}

/** A place drawn from the density, by two uniform numbers: which hill, and where under it (inverse of the cut-off normal). */
export function drawParzen({ hills }: Parzen, which: number, where: number): number {
  const { centre, width } = hills[min(hills.length - 1, floor(which * hills.length))] ?? prior;
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
  return min((low + high) / 2, 1 - 2 ** -30);
}

/** Logarithm of the density at a place. */
export function logParzen({ hills }: Parzen, place: number): number {
  let sum = 0;
  for (const { centre, width, area } of hills) sum += exp(-0.5 * ((place - centre) / width) ** 2) / area;
  return log(sum / hills.length);
}

/** The area once for each hill, not once for each place that is looked at. */
function hillOf(centre: number, width: number): Hill {
  const mass = normalCdf((1 - centre) / width) - normalCdf(-centre / width);
  return { centre, width, area: width * sqrt(2 * PI) * mass };
}

/** Abramowitz and Stegun 7.1.26, off by at most 1.5e-7: a proposal needs no more. */
function normalCdf(x: number): number {
  const t = 1 / (1 + (0.3275911 * abs(x)) / SQRT2);
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    exp((-x * x) / 2);
  return x >= 0 ? 1 - tail / 2 : tail / 2;
}
