import { canonicalJson } from '../canonical-json.ts';
import type { Dimension, SearchParams } from '../search.ts';
import type { ParamValue } from '../trainer.ts';
import { placeOf, valueAt } from './dimension.ts';
import { uniformDraw } from './draw.ts';
import { drawParzen, logParzen, parzen } from './parzen.ts';
import type { ProposalRequest, ScoredTrial } from './propose.ts';

/** At most so many trials count as good, however many there are. */
const mostGood = 25;

/** Two uniform numbers a candidate. */
type Draw = readonly [number, number];

/** The values that one hyper-parameter had in good and in bad trials. */
type SeenValues = { readonly good: readonly ParamValue[]; readonly bad: readonly ParamValue[] };

/**
 * The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl, NeurIPS 2011), each hyper-parameter by itself: of some candidates
 * drawn from where the good trials lie, the one that is likeliest to be good rather than bad. Good are the best tenth, at most 25.
 */
export function proposeByTpe(request: ProposalRequest, names: readonly string[], candidates: number): SearchParams {
  const { good, bad } = parted(request);
  const chosen = names.flatMap((name, dimension): readonly (readonly [string, ParamValue])[] => {
    const own = request.space[name];
    if (own === undefined) return [];
    const draws = Array.from({ length: candidates }, (_, candidate): Draw => [
      uniformDraw({ seed: request.seed, trial: request.trial, dimension, draw: 2 * candidate + 1 }),
      uniformDraw({ seed: request.seed, trial: request.trial, dimension, draw: 2 * candidate + 2 }),
    ]);
    const seen = { good: valuesOf(good, name), bad: valuesOf(bad, name) };
    return [[name, own.kind === 'choice' ? pickChoice(own, seen, draws) : pickPlace(own, seen, draws)]];
  });
  return Object.fromEntries(chosen);
}

function parted({ scored, objective }: ProposalRequest): {
  readonly good: readonly ScoredTrial[];
  readonly bad: readonly ScoredTrial[];
} {
  const sign = objective.direction === 'higher' ? -1 : 1;
  // A sort that keeps the order of equal scores: earlier trials win.
  const ordered = scored.toSorted((a, b) => sign * (a.score - b.score));
  const count = Math.min(mostGood, Math.ceil(0.1 * ordered.length));
  return { good: ordered.slice(0, count), bad: ordered.slice(count) };
}

function valuesOf(trials: readonly ScoredTrial[], name: string): readonly ParamValue[] {
  return trials.flatMap(({ params }) => (params[name] === undefined ? [] : [params[name]]));
}

function pickPlace(
  dimension: Exclude<Dimension, { kind: 'choice' }>,
  { good, bad }: SeenValues,
  draws: readonly Draw[],
): ParamValue {
  const places = (values: readonly ParamValue[]) =>
    values.flatMap((value) => (typeof value === 'number' ? [placeOf(dimension, value)] : []));
  const [likely, unlikely] = [parzen(places(good)), parzen(places(bad))];
  const tried = draws.map(([which, where]) => drawParzen(likely, which, where));
  return valueAt(dimension, bestOf(tried, (place) => logParzen(likely, place) - logParzen(unlikely, place)) ?? 0.5);
}

function pickChoice(
  dimension: Extract<Dimension, { kind: 'choice' }>,
  { good, bad }: SeenValues,
  draws: readonly Draw[],
): ParamValue {
  const [likely, unlikely] = [shares(dimension.values, good), shares(dimension.values, bad)];
  const tried = draws.map(([which]) => {
    let rest = which;
    const at = likely.findIndex((share) => (rest -= share) < 0);
    return at === -1 ? likely.length - 1 : at;
  });
  const best = bestOf(tried, (at) => (likely[at] ?? 0) / (unlikely[at] ?? 1));
  return dimension.values[best ?? 0] ?? null;
}

/** How often each value occurs, one more each: what was never tried is not ruled out. */
function shares(values: readonly ParamValue[], occurred: readonly ParamValue[]): readonly number[] {
  const texts = occurred.map((value) => canonicalJson(value));
  const counts = values.map((value) => 1 + texts.filter((text) => text === canonicalJson(value)).length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / total);
}

function bestOf<Value>(values: readonly Value[], worth: (value: Value) => number): Value | undefined {
  let best: { readonly value: Value; readonly worth: number } | undefined;
  for (const value of values) {
    const own = worth(value);
    if (best === undefined || own > best.worth) best = { value, worth: own };
  }
  return best?.value;
}
