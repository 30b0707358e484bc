import { proposeTrial, type ScoredTrial } from '../../../domain/search/propose.ts';
import type { SearchParams, SearchSpace, SearchStrategy } from '../../../domain/search.ts';

const space: SearchSpace = {
  rate: { kind: 'float', from: 1e-4, to: 1, log: true },
  width: { kind: 'integer', from: 4, to: 64, log: false },
  activation: { kind: 'choice', values: ['relu', 'tanh', 'gelu'] },
};
const objective = { metric: 'loss', direction: 'lower' } as const;

/** Lowest at rate 0.01, width 40, gelu. */
function loss(params: SearchParams): number {
  const rate = Math.log10(Number(params['rate'])) + 2;
  const width = (Number(params['width']) - 40) / 30;
  return rate ** 2 + width ** 2 + (params['activation'] === 'gelu' ? 0 : 0.5);
}

function lowest(
  over: SearchSpace,
  score: (params: SearchParams) => number,
  strategy: SearchStrategy,
  seed: number,
): number {
  const scored: ScoredTrial[] = [];
  for (let trial = 0; trial < 60; trial += 1) {
    const params = proposeTrial({ space: over, strategy, objective, seed, trial, scored });
    scored.push({ params, score: score(params) });
  }
  return Math.min(...scored.map(({ score }) => score));
}

const strategies: readonly SearchStrategy[] = [
  { kind: 'random' },
  { kind: 'sobol' },
  { kind: 'tpe', startup: 5, candidates: 24 },
];

it.each(strategies)('$kind stays inside the space, whole numbers whole', (strategy) => {
  const scored: ScoredTrial[] = [];
  for (let trial = 0; trial < 60; trial += 1) {
    const params = proposeTrial({ space, strategy, objective, seed: 3, trial, scored });
    const { rate, width, activation } = params;
    expect(Number(rate)).toBeGreaterThanOrEqual(1e-4);
    expect(Number(rate)).toBeLessThanOrEqual(1);
    expect(Number.isInteger(width) && Number(width) >= 4 && Number(width) <= 64).toBe(true);
    expect(['relu', 'tanh', 'gelu']).toContain(activation);
    scored.push({ params, score: loss(params) });
  }
});

it.each(strategies)('$kind proposes the same for the same request, and otherwise for another seed', (strategy) => {
  const request = { space, strategy, objective, trial: 7, scored: [] };
  expect(proposeTrial({ ...request, seed: 1 })).toEqual(proposeTrial({ ...request, seed: 1 }));
  expect(proposeTrial({ ...request, seed: 1 })).not.toEqual(proposeTrial({ ...request, seed: 2 }));
});

it('does not depend on the order of the space', () => {
  const turned = Object.fromEntries(Object.entries(space).toReversed());
  const request = { strategy: { kind: 'random' }, objective, seed: 1, trial: 0, scored: [] } as const;
  expect(proposeTrial({ ...request, space: turned })).toEqual(proposeTrial({ ...request, space }));
});

it('spreads a logarithmic range evenly over its orders of magnitude', () => {
  const one: SearchSpace = { rate: { kind: 'float', from: 1e-4, to: 1, log: true } };
  const request = { space: one, strategy: { kind: 'random' }, objective, seed: 5, scored: [] } as const;
  const decades = [0, 0, 0, 0];
  for (let trial = 0; trial < 2_000; trial += 1) {
    const at = Math.min(3, Math.floor(Math.log10(Number(proposeTrial({ ...request, trial })['rate'])) + 4));
    decades[at] = (decades[at] ?? 0) + 1;
  }
  // 500 each, deviation 19.4: four deviations.
  for (const count of decades) expect(Math.abs(count - 500)).toBeLessThan(78);
});

/** Lowest, 0, at x0 = 0.3, x1 = 0.2, … x4 = -0.1. */
const bowl: SearchSpace = Object.fromEntries(
  [0, 1, 2, 3, 4].map((at) => [`x${at}`, { kind: 'float', from: -1, to: 1, log: false }]),
);

it('finds more by the Parzen estimator than by chance, in nearly all of twenty searches over five numbers', () => {
  const depth = (params: SearchParams) =>
    Object.values(params).reduce<number>((sum, value, at) => sum + (Number(value) - 0.3 + 0.1 * at) ** 2, 0);
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);
  const tpe: SearchStrategy = { kind: 'tpe', startup: 10, candidates: 24 };
  const better = seeds.filter((seed) => lowest(bowl, depth, tpe, seed) < lowest(bowl, depth, { kind: 'random' }, seed));
  // By chance alone 16 or more of 20 happen in 0.6 % of cases.
  expect(better.length).toBeGreaterThanOrEqual(16);
});
