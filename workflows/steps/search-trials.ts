import type { DearestPrice } from '../../activities/search/contract.ts';
import type { SearchParams, Trial } from '../../domain/search.ts';
import type { Checkpoint } from '../../domain/trainer.ts';
import { rungsOf, type SearchJob } from '../../domain/search/schedule.ts';
import { ActivityFailure, ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import { searching, trials, trialsOnGpu } from '../activities.ts';
import { type StepHandle, thisRun } from '../run-progress.ts';
import type { SearchOptions } from './search.ts';
import { placeFor } from './train.ts';

/** How one training of a search ended. */
export type JobResult = SearchJob &
  Pick<Trial, 'params' | 'epochs' | 'score' | 'reason' | 'elapsedMs' | 'cost' | 'checkpoint'> & {
    readonly end: 'scored' | 'failed' | 'stopped';
  };

/** One training to do: `from` is where a promoted trial waits; `atMostMs` null: it may take as long as it takes. */
export type TrialWork = SearchJob & {
  readonly params: SearchParams;
  readonly from: Checkpoint | null;
  readonly atMostMs: number | null;
  readonly price: DearestPrice | null;
};

/** A reason ends with the trainer's last lines, and every trial stands in the workflow's result. */
const longestReason = 500;
/** What the parameters of a trial can be to blame for; any other error would meet every trial. */
const trialErrors = ['TRAINING_FAILED', 'MODEL_INVALID', 'INPUT_INVALID', 'DEVICE_MEMORY_EXHAUSTED'];

/** Trains and scores one trial, for at most its share of the budget. */
export async function runTrial(options: SearchOptions, step: StepHandle, work: TrialWork): Promise<JobResult> {
  const began = Date.now();
  const { trial, rung, params, price } = work;
  const epochs = rungsOf(options.strategy)[rung] ?? null;
  const end = (how: Pick<JobResult, 'end' | 'score' | 'reason' | 'cost' | 'checkpoint'>): JobResult => ({
    trial,
    rung,
    params,
    epochs,
    elapsedMs: Date.now() - began,
    ...how,
  });
  // What it may have cost at most: of an attempt that was cancelled or killed nobody knows more.
  const dearest = () => (price === null ? null : ((Date.now() - began) / 3_600_000) * price.hour);
  const outer = CancellationScope.current();
  try {
    const train = () => trainAndScore(options, step, { ...work, epochs });
    const made = work.atMostMs === null ? await train() : await CancellationScope.withTimeout(work.atMostMs, train);
    const cost = made.attempts > 1 ? (dearest() ?? made.cost) : made.cost;
    return end({ score: made.score, checkpoint: made.checkpoint, cost, end: 'scored', reason: null });
  } catch (error) {
    const lost = { score: null, cost: dearest(), checkpoint: null };
    if (isCancellation(error)) {
      if (outer.consideredCancelled) throw error;
      return end({ ...lost, end: 'stopped', reason: 'Its share of the budget was used up.' });
    }
    const reason = trialFailure(error);
    if (reason === null) throw error;
    return end({ ...lost, end: 'failed', reason });
  }
}

/** All trials, each as far as it came, in order of their numbers. */
export function trialsOf(ended: readonly JobResult[], rungs: number): readonly Trial[] {
  const numbers = [...new Set(ended.map(({ trial }) => trial))].toSorted((a, b) => a - b);
  return numbers.map((number) =>
    trialOf(
      ended.filter(({ trial }) => trial === number),
      number,
      rungs,
    ),
  );
}

function trialOf(jobs: readonly JobResult[], number: number, rungs: number): Trial {
  const last = jobs.at(-1);
  const scored = jobs.findLast(({ end }) => end === 'scored');
  const costs = jobs.flatMap(({ cost }) => (cost === null ? [] : [cost]));
  const through = rungs === 0 || scored?.rung === rungs - 1;
  const status = last === undefined || last.end === 'scored' ? (through ? 'finished' : 'paused') : last.end;
  return {
    number,
    params: last?.params ?? {},
    epochs: scored?.epochs ?? null,
    rung: scored?.rung ?? 0,
    status,
    score: scored?.score ?? null,
    reason: last?.reason ?? null,
    elapsedMs: jobs.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0),
    cost: costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0),
    checkpoint: scored?.checkpoint ?? null,
  };
}

async function trainAndScore(
  options: SearchOptions,
  step: StepHandle,
  work: TrialWork & { readonly epochs: number | null },
): Promise<Pick<JobResult, 'score' | 'cost' | 'checkpoint'> & { readonly attempts: number }> {
  const { model, data, features, target, seed, device, cache, validation, objective } = options;
  const place = await placeFor(device, step);
  const trained = await (place === 'gpu' ? trialsOnGpu : trials).trainModel({
    run: thisRun(),
    stepId: `${step.stepId}/trial-${work.trial}/rung-${work.rung}`,
    trainer: options.trainer(work.params, work.epochs),
    model,
    data,
    features,
    target,
    seed,
    ...(device === undefined ? {} : { device }),
    ...(cache === undefined ? {} : { cache }),
    ...(work.from === null ? {} : { from: work.from }),
  });
  const { score, cost, attempts } = await searching.scoreTrial({ trained, validation, objective });
  return { score, cost, attempts, checkpoint: trained.checkpoint };
}

function trialFailure(error: unknown): string | null {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) return null;
  return trialErrors.includes(error.cause.type ?? '') ? error.cause.message.slice(0, longestReason) : null;
}
