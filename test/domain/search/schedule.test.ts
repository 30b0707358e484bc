import { type JobEnd, nextJob, rungsOf, type SearchJob, winnerOf } from '../../../domain/search/schedule.ts';
import { requireSoundSearch } from '../../../domain/search/sound-search.ts';
import { allowanceOf } from '../../../domain/search/spending.ts';
import type { SearchStrategy, Trial } from '../../../domain/search.ts';

const asha: SearchStrategy = { kind: 'asha', firstRung: 1, lastRung: 9, reduction: 3, proposals: 'random' };
const higher = { metric: 'auc', direction: 'higher' } as const;

const ended = (...scores: readonly (number | null)[]): readonly JobEnd[] =>
  scores.map((score, trial) => ({ trial, rung: 0, score }));
const begun = (jobs: readonly SearchJob[]): readonly SearchJob[] => jobs.map(({ trial, rung }) => ({ trial, rung }));

it('has rungs of reduction times as many epochs each, up to the last', () => {
  expect(rungsOf(asha)).toEqual([1, 3, 9]);
  expect(rungsOf({ ...asha, lastRung: 10 })).toEqual([1, 3, 9, 10]);
  expect(rungsOf({ kind: 'tpe', startup: 1, candidates: 1 })).toEqual([]);
});

it('promotes the best of three, and begins a new trial where none can be promoted', () => {
  const two = ended(0.6, 0.7);
  expect(nextJob(asha, higher, { ended: two, begun: begun(two), mostTrials: 9 })).toEqual({ trial: 2, rung: 0 });
  const three = ended(0.6, 0.7, 0.5);
  expect(nextJob(asha, higher, { ended: three, begun: begun(three), mostTrials: 9 })).toEqual({ trial: 1, rung: 1 });
});

it('promotes a trial once, and a lower objective where lower is better', () => {
  const three = ended(0.6, 0.7, 0.5);
  const promoted = [...begun(three), { trial: 1, rung: 1 }];
  expect(nextJob(asha, higher, { ended: three, begun: promoted, mostTrials: 3 })).toBeNull();
  const lower = { metric: 'logLoss', direction: 'lower' } as const;
  expect(nextJob(asha, lower, { ended: three, begun: begun(three), mostTrials: 3 })).toEqual({ trial: 2, rung: 1 });
});

it('never promotes a trial that failed', () => {
  const failed = ended(null, null, null);
  expect(nextJob(asha, higher, { ended: failed, begun: begun(failed), mostTrials: 3 })).toBeNull();
});

it('recommends the best of those that came furthest, the earliest of equals', () => {
  const trial = (number: number, rung: number, score: number | null): Trial => ({
    number,
    rung,
    score,
    params: {},
    epochs: 1,
    status: 'paused',
    reason: null,
    elapsedMs: 1,
    cost: null,
    checkpoint: null,
  });
  const trials = [trial(0, 0, 0.9), trial(1, 2, 0.7), trial(2, 2, 0.8), trial(3, 2, 0.8), trial(4, 2, null)];
  expect(winnerOf(trials, higher)?.number).toBe(2);
  expect(winnerOf([trial(0, 0, null)], higher)).toBeNull();
});

it('gives a training no more time than the budget has', () => {
  const spending = { elapsedMs: 50_000, cost: 0, reserved: 0, costs: [] };
  const bounds = { dearestHour: null, freeSlots: 2 };
  expect(allowanceOf({ timeMs: 60_000, cost: undefined }, spending, bounds)).toEqual({ atMostMs: 10_000, why: null });
  expect(allowanceOf({ timeMs: 50_000, cost: undefined }, spending, bounds).why).toBe('The time is used up.');
});

it('shares what is left of the money among the free places, at the dearest price', () => {
  const spending = { elapsedMs: 0, cost: 2, reserved: 4, costs: [1] };
  const bounds = { dearestHour: 8, freeSlots: 2 };
  // (10 - 2 - 4) / 2 = 2 for a quarter of an hour.
  expect(allowanceOf({ timeMs: null, cost: 10 }, spending, bounds)).toEqual({ atMostMs: 900_000, why: null });
  expect(allowanceOf({ timeMs: null, cost: 7 }, spending, bounds).why).toBe('The money is used up.');
});

it('refuses a search that cannot be run, all problems at once', () => {
  const question = {
    space: {
      rate: { kind: 'float', from: 0, to: 1, log: true },
      width: { kind: 'integer', from: 1.5, to: 3, log: false },
      kind: { kind: 'choice', values: [] },
    },
    strategy: { ...asha, reduction: 1 },
    budget: {},
    parallel: 0,
  } as const;
  expect(() => requireSoundSearch(question)).toThrow(
    /'rate' is spread.*'width' must go from a whole.*'kind' has no values.*reduction must be.*budget is empty.*parallel must be/s,
  );
});
