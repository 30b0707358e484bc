import type { DearestPrice } from '../../activities/search/contract.ts';
import type { TrainingRequest } from '../../activities/training/contract.ts';
import type {
  SearchBudget,
  SearchObjective,
  SearchParams,
  SearchResult,
  SearchSpace,
  SearchStrategy,
} from '../../domain/search.ts';
import type { DataSlice } from '../../domain/snapshot.ts';
import type { TrainerSpec } from '../../domain/trainer.ts';
import { durationMs } from '../../domain/duration.ts';
import { CodedError } from '../../domain/errors.ts';
import { requireName } from '../../domain/names.ts';
import { nextJob, rungsOf, type SearchJob, winnerOf } from '../../domain/search/schedule.ts';
import { mostTrialsOf, proposalsOf, requireSoundSearch } from '../../domain/search/sound-search.ts';
import { allowanceOf, dearestCost } from '../../domain/search/spending.ts';
import { CancellationScope } from '@temporalio/workflow';
import { searching } from '../activities.ts';
import { recordStep, type StepHandle, thisRun } from '../run-progress.ts';
import { type JobResult, runTrial, trialsOf } from './search-trials.ts';

/** What is searched, and by how much. The rest is as in `train`; every trial gets the same seed. */
export type SearchOptions = Pick<
  TrainingRequest,
  'model' | 'data' | 'features' | 'target' | 'seed' | 'device' | 'cache'
> & {
  /** Rows that trials are compared on; none that the release is judged on later. */
  readonly validation: DataSlice;
  readonly space: SearchSpace;
  /** The trainer of a trial. `epochs` is how long a rung lasts; null where the strategy has no rungs. */
  readonly trainer: (params: SearchParams, epochs: number | null) => TrainerSpec;
  readonly strategy: SearchStrategy;
  readonly budget: SearchBudget;
  readonly objective: SearchObjective;
  /** Trials at once; 2 where it is left out. */
  readonly parallel?: number;
};

/** What was found, with the trainer to train the winner by; null: no trial has a score. */
export type FoundTrainer = SearchResult & { readonly trainer: TrainerSpec | null };

/** A search while it runs. `under` are all jobs in the order in which they were decided on; `results` fills up in any order. */
type Running = {
  readonly options: SearchOptions;
  readonly step: StepHandle;
  readonly parallel: number;
  readonly began: number;
  readonly price: DearestPrice | null;
  readonly begun: (SearchJob & { readonly params: SearchParams; readonly reserved: number })[];
  readonly under: Promise<JobResult>[];
  readonly results: (JobResult | undefined)[];
};

/**
 * Searches hyper-parameters: trains trials, compares them on the validation rows, and says which trainer was best. A job is decided on by the
 * results of the jobs up to `parallel` before it alone, in the order of jobs: so a crash anywhere, or a slow machine, changes neither trials nor winner.
 *
 * @throws ApplicationFailure FEATURES_INVALID or DATA_UNREADABLE; CodedError INPUT_INVALID for a search that cannot be run. A trial that fails
 * is a trial that failed, not an error.
 * @example
 * const found = await search({ model: 'flights', data: training, validation, features: 'flights', target: late, seed: 7,
 *   space: { learningRate: float(1e-4, 1e-1, { log: true }), width: integer(8, 64) },
 *   trainer: ({ learningRate, width }) => denseNet({ hidden: [Number(width)], epochs: 4, learningRate: Number(learningRate) }),
 *   strategy: tpe(), budget: { trials: 30 }, objective: { metric: 'auc', direction: 'higher' } });
 */
export async function search(options: SearchOptions): Promise<FoundTrainer> {
  requireName('model', options.model);
  const parallel = options.parallel ?? 2;
  requireSoundSearch({ ...options, parallel });
  return recordStep(
    'search',
    async (step) => {
      const price = options.budget.cost === undefined ? null : await requirePrice();
      const running: Running = {
        options,
        step,
        parallel,
        began: Date.now(),
        price,
        begun: [],
        under: [],
        results: [],
      };
      // One error ends the trials that are under way too.
      return CancellationScope.cancellable(async () => {
        try {
          const found = await runSearch(running);
          await keep(running, found);
          return found;
        } catch (error) {
          CancellationScope.current().cancel();
          await Promise.allSettled(running.under);
          throw error;
        }
      });
    },
    ({ trials, best }) =>
      best === null
        ? `${trials.length} trials, none has a score`
        : `${trials.length} trials; best is trial ${best.number}: ${options.objective.metric} ${best.score.toPrecision(4)} with ${JSON.stringify(best.params)}`,
  );
}

async function runSearch(running: Running): Promise<FoundTrainer> {
  const { options, step, under } = running;
  let endedBy: string | null = null;
  while (endedBy === null) {
    const next = await decideNext(running);
    if (next === null) {
      endedBy = `All ${running.begun.filter(({ rung }) => rung === 0).length} trials were made.`;
      break;
    }
    endedBy = await begin(running, next);
    step.note(`${running.results.filter(Boolean).length} of ${under.length} trainings ended`);
  }
  const ended = await Promise.all(under);
  const trials = trialsOf(ended, rungsOf(options.strategy).length);
  const winner = winnerOf(trials, options.objective);
  const costs = ended.flatMap(({ cost }) => (cost === null ? [] : [cost]));
  return {
    best:
      winner === null || winner.score === null
        ? null
        : { number: winner.number, params: winner.params, score: winner.score },
    trials,
    spent: {
      trials: trials.length,
      elapsedMs: Date.now() - running.began,
      cost: costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0),
    },
    endedBy: endedBy ?? '',
    trainer: winner === null ? null : options.trainer(winner.params, rungsOf(options.strategy).at(-1) ?? null),
  };
}

/** A trial that failed or was stopped left no record of its own. */
async function keep(running: Running, { best, trials, spent, endedBy }: FoundTrainer): Promise<void> {
  const { options, step, parallel, price } = running;
  const { model, space, strategy, budget, objective, seed } = options;
  await searching.keepSearch({
    run: thisRun(),
    stepId: step.stepId,
    model,
    space,
    strategy,
    budget,
    objective,
    parallel,
    seed,
    best,
    trials,
    spent,
    endedBy,
    currency: price?.currency ?? null,
  });
}

type Decided = { readonly job: SearchJob; readonly visible: readonly JobResult[] };

/** Waits for as many results, in the order of jobs, as it takes to know what comes next; null: nothing does, all jobs have ended. */
async function decideNext({ options, parallel, begun, under }: Running): Promise<Decided | null> {
  for (let seen = Math.max(0, begun.length - parallel + 1); seen <= begun.length; seen += 1) {
    const visible = await Promise.all(under.slice(0, seen));
    const mostTrials = options.budget.trials ?? mostTrialsOf(options.strategy);
    const job = nextJob(options.strategy, options.objective, { ended: visible, begun, mostTrials });
    if (job !== null) return { job, visible };
  }
  return null;
}

/** Begins a job, or says why the budget has nothing left for it. */
async function begin(running: Running, { job, visible }: Decided): Promise<string | null> {
  const { options, begun, under, results, price } = running;
  const params =
    begun.find(({ trial }) => trial === job.trial)?.params ??
    (await searching.proposeTrial({
      space: options.space,
      strategy: options.strategy,
      objective: options.objective,
      seed: options.seed,
      trial: job.trial,
      // Scores of one rung: those of others rest on more epochs. Where nobody learns from them they need not stand in the history.
      scored: (proposalsOf(options.strategy) === 'tpe' ? visible : []).flatMap(({ rung, score, params: tried }) =>
        rung > 0 || score === null ? [] : [{ params: tried, score }],
      ),
    }));
  const allowance = allowanceNow(running);
  if (allowance.why !== null) return allowance.why;
  const reserved = price === null || allowance.atMostMs === null ? 0 : dearestCost(allowance.atMostMs, price.hour);
  const index = begun.push({ ...job, params, reserved }) - 1;
  const from = visible.findLast(({ trial }) => trial === job.trial)?.checkpoint ?? null;
  const work = runTrial(options, running.step, { ...job, params, from, atMostMs: allowance.atMostMs, price });
  under.push(work);
  // Awaited in order by whoever needs it; a rejection is seen there.
  work.then(
    (result) => void (results[index] = result),
    () => undefined,
  );
  return null;
}

function allowanceNow({ options, parallel, began, price, begun, results }: Running) {
  const open = begun.filter((_, index) => results[index] === undefined);
  const costs = results.flatMap((result) => (result?.cost == null ? [] : [result.cost]));
  const { time, cost } = options.budget;
  return allowanceOf(
    { timeMs: time === undefined ? null : durationMs(time), cost },
    {
      elapsedMs: Date.now() - began,
      cost: costs.reduce((sum, each) => sum + each, 0),
      reserved: open.reduce((sum, { reserved }) => sum + reserved, 0),
      costs,
    },
    { dearestHour: price?.hour ?? null, freeSlots: Math.max(1, parallel - open.length) },
  );
}

async function requirePrice(): Promise<DearestPrice> {
  const price = await searching.readDearestPrice();
  if (price !== null) return price;
  throw new CodedError(
    'INPUT_INVALID',
    "A budget in money needs prices. Write prices.json in the project: { currency, cpuHour, gpuHour: { '*': … } }.",
  );
}
