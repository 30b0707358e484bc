import fc from 'fast-check';
import { type JobEnd, nextJob, rungsOf, type SearchJob, winnerOf } from '../../../domain/search/schedule.ts';
import { mostTrialsOf, requireSoundSearch } from '../../../domain/search/sound-search.ts';
import { allowanceOf, dearestCost } from '../../../domain/search/spending.ts';
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
  // The best of the first rung failed in the second: trained to the end it would fail again.
  expect(winnerOf([{ ...trial(0, 0, 0.9), status: 'failed' }, trial(1, 0, 0.5)], higher)?.number).toBe(1);
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
  // (10 - 2 - 4) / 2 = 2 for a quarter of an hour, of which ending it may take 15 seconds.
  expect(allowanceOf({ timeMs: null, cost: 10 }, spending, bounds)).toEqual({ atMostMs: 885_000, why: null });
  expect(dearestCost(885_000, 8)).toBe(2);
  expect(allowanceOf({ timeMs: null, cost: 7 }, spending, bounds).why).toBe('The money is used up.');
});

it('begins no training whose end alone would pass the budget, and sets no timer for ever', () => {
  const spending = { elapsedMs: 0, cost: 0, reserved: 0, costs: [] };
  // 15 seconds at 240 an hour are 1.
  const bounds = { dearestHour: 240, freeSlots: 1 };
  expect(allowanceOf({ timeMs: null, cost: 1 }, spending, bounds).why).toBe('The money is used up.');
  expect(allowanceOf({ timeMs: null, cost: 2 }, spending, bounds).atMostMs).toBe(15_000);
  expect(allowanceOf({ timeMs: null, cost: 1 }, spending, { dearestHour: 7, freeSlots: 3 }).atMostMs).toBe(156_428);
  const year = 365 * 86_400_000;
  for (const dearestHour of [0, 1e-9])
    expect(allowanceOf({ timeMs: null, cost: 1 }, spending, { dearestHour, freeSlots: 1 }).atMostMs).toBe(year);
});

type SimulatedTraining = { readonly needsMs: number; readonly rate: number; readonly endsInMs: number };

/** What a search really spends, by the dearest price an hour and what each training would need if nobody ended it. */
function trulySpent(
  cost: number,
  dearestHour: number,
  parallel: number,
  trainings: readonly SimulatedTraining[],
): number {
  const open: { readonly at: number; readonly reserved: number; readonly charged: number }[] = [];
  const charged: number[] = [];
  let [now, truly] = [0, 0];
  for (const { needsMs, rate, endsInMs } of trainings) {
    if (open.length === parallel) {
      const [next] = open.toSorted((a, b) => a.at - b.at);
      if (next === undefined) throw new Error('none is open');
      now = next.at;
      charged.push(next.charged);
      open.splice(open.indexOf(next), 1);
    }
    const reserved = open.reduce((sum, each) => sum + each.reserved, 0);
    const spending = { elapsedMs: now, cost: charged.reduce((sum, each) => sum + each, 0), reserved, costs: charged };
    const freeSlots = parallel - open.length;
    const { atMostMs, why } = allowanceOf({ timeMs: null, cost }, spending, { dearestHour, freeSlots });
    if (why !== null || atMostMs === null) continue;
    const isStopped = needsMs > atMostMs;
    const lasts = isStopped ? atMostMs + endsInMs : needsMs;
    const own = (lasts / 3_600_000) * dearestHour * rate;
    truly += own;
    // One that was stopped left no record: it counts as if it had used all of the machine.
    const counted = isStopped ? (lasts / 3_600_000) * dearestHour : own;
    open.push({ at: now + lasts, reserved: dearestCost(atMostMs, dearestHour), charged: counted });
  }
  return truly;
}

it('never passes a budget in money, whatever trainings last and cost', () => {
  const training = fc.record({
    needsMs: fc.integer({ min: 1, max: 10_000_000 }),
    rate: fc.double({ min: 0.01, max: 1, noNaN: true }),
    endsInMs: fc.integer({ min: 0, max: 15_000 }),
  });
  const amount = fc.double({ min: 0.01, max: 1_000, noNaN: true });
  const trainings = fc.array(training, { maxLength: 60 });
  fc.assert(
    fc.property(amount, amount, fc.integer({ min: 1, max: 8 }), trainings, (cost, hour, parallel, all) => {
      expect(trulySpent(cost, hour, parallel, all)).toBeLessThanOrEqual(cost * (1 + 1e-9));
    }),
    { numRuns: 500, seed: 7 },
  );
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
    objective: higher,
    target: { task: 'binary' },
  } as const;
  expect(() => requireSoundSearch(question)).toThrow(
    /'rate' is spread.*'width' must go from a whole.*'kind' has no values.*reduction must be.*budget is empty.*parallel must be/s,
  );
});

const sound = {
  space: { width: { kind: 'integer', from: 1, to: 3, log: false } },
  strategy: { kind: 'random' },
  budget: { time: '1 hour' },
  parallel: 1,
  objective: higher,
  target: { task: 'binary' },
} as const;

it('refuses an objective that no trial could be scored by, before the first trial', () => {
  expect(() => requireSoundSearch(sound)).not.toThrow();
  const regression = { ...sound, target: { task: 'regression' } } as const;
  expect(() => requireSoundSearch(regression)).toThrow(/a regression target cannot go by 'auc', use one of rmse, mae/);
  const unknown = { ...sound, objective: { metric: 'AUC', direction: 'higher' } } as const;
  expect(() => requireSoundSearch(unknown)).toThrow(/cannot go by 'AUC'/);
  const wrongWay = { ...sound, objective: { metric: 'logLoss', direction: 'higher' } } as const;
  expect(() => requireSoundSearch(wrongWay)).toThrow(/of logLoss lower is better/);
});

it('makes no more trials than a history can hold', () => {
  expect(mostTrialsOf({ kind: 'random' })).toBe(1_000);
  expect(mostTrialsOf({ ...asha, proposals: 'tpe' })).toBe(500);
  expect(() => requireSoundSearch({ ...sound, budget: { trials: 1_001 } })).toThrow(/from 1 to 1000, got 1001/);
});
