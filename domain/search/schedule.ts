import type { SearchObjective, SearchStrategy, Trial } from '../search.ts';

/** One training of a search: of a new trial, or of a paused one for its next rung. */
export type SearchJob = { readonly trial: number; readonly rung: number };

/** How a job ended, as far as the schedule looks at it. */
export type JobEnd = SearchJob & { readonly score: number | null };

/**
 * The next job, or null while there is none to be had from what is seen. `ended` are the jobs whose results may be seen, `begun` all jobs that
 * were decided on; the answer depends on nothing else, so that it is the same whatever finished first.
 *
 * Successive halving is asynchronous (Li et al., MLSys 2020, algorithm 2): a trial among the best `1 / reduction` of its rung is promoted at
 * once, the highest rung first; where none can be, a new trial begins.
 */
export function nextJob(
  strategy: SearchStrategy,
  objective: SearchObjective,
  seen: { readonly ended: readonly JobEnd[]; readonly begun: readonly SearchJob[]; readonly mostTrials: number },
): SearchJob | null {
  const promoted = strategy.kind === 'asha' ? promotion(strategy, objective, seen) : null;
  if (promoted !== null) return promoted;
  const trials = seen.begun.filter(({ rung }) => rung === 0).length;
  return trials < seen.mostTrials ? { trial: trials, rung: 0 } : null;
}

/** Epochs after which a rung is reached, from the first to the last rung; empty where the strategy has no rungs. */
export function rungsOf(strategy: SearchStrategy): readonly number[] {
  if (strategy.kind !== 'asha') return [];
  const rungs: number[] = [];
  for (let epochs = strategy.firstRung; epochs < strategy.lastRung; epochs *= strategy.reduction)
    rungs.push(Math.round(epochs));
  return [...rungs, strategy.lastRung];
}

/**
 * The trial that a search recommends: of those that came furthest the one with the best score, the earliest of equals. A score after few
 * epochs says less than one after many, so it does not win over it. A trial that failed on its way up is not recommended: trained to the
 * end it would fail again.
 */
export function winnerOf(trials: readonly Trial[], objective: SearchObjective): Trial | null {
  const scored = trials.filter(({ score, status }) => score !== null && status !== 'failed');
  const furthest = Math.max(...scored.map(({ rung }) => rung));
  const candidates = scored.filter(({ rung }) => rung === furthest);
  return candidates.reduce<Trial | null>(
    (best, trial) => (best === null || isBetter(trial.score, best.score, objective) ? trial : best),
    null,
  );
}

function promotion(
  strategy: Extract<SearchStrategy, { kind: 'asha' }>,
  objective: SearchObjective,
  { ended, begun }: { readonly ended: readonly JobEnd[]; readonly begun: readonly SearchJob[] },
): SearchJob | null {
  const last = rungsOf(strategy).length - 1;
  for (let rung = last - 1; rung >= 0; rung -= 1) {
    const here = ended.filter((job) => job.rung === rung);
    const best = here
      .filter(({ score }) => score !== null)
      .toSorted((a, b) => order(a, b, objective))
      .slice(0, Math.floor(here.length / strategy.reduction));
    const next = best.find(({ trial }) => !begun.some((job) => job.trial === trial && job.rung === rung + 1));
    if (next !== undefined) return { trial: next.trial, rung: rung + 1 };
  }
  return null;
}

function order(a: JobEnd, b: JobEnd, objective: SearchObjective): number {
  if (a.score === b.score) return a.trial - b.trial;
  return isBetter(a.score, b.score, objective) ? -1 : 1;
}

function isBetter(a: number | null, b: number | null, { direction }: SearchObjective): boolean {
  if (a === null || b === null) return a !== null;
  return direction === 'higher' ? a > b : a < b;
}
