import {
  activities,
  auc,
  canary,
  errors,
  evaluate,
  logLoss,
  promote,
  reject,
  shadow,
  slowAnswers,
  snapshot,
  split,
  train,
  validate,
} from 'perdura/steps';
import type { ReleaseOutcome } from 'perdura/steps';
import type { FlightActivities } from './lateness.ts';
import { flightSchema, late } from './schema.ts';
import { type TrainerName, trainerNamed } from './trainers.ts';

const { latenessByWeekday } = activities<FlightActivities>({
  startToCloseTimeout: '5 minutes',
  taskQueue: 'perdura-data',
});

/** Which flights to learn from, and how patient to be with live traffic. */
export type FlightsInput = {
  /** `newest`, or the keys of arrived files. */
  readonly data: string | readonly string[];
  readonly trainer?: TrainerName;
};

/** Trains a model of late arrivals on the newest flights and makes it the champion if it holds up. */
export async function flights(input: FlightsInput): Promise<ReleaseOutcome> {
  const data = await snapshot({ dataset: 'flights', from: input.data });
  const { accepted } = await validate(data, flightSchema);

  const { training, holdout } = await split(accepted, { byTime: 'date', holdout: 0.2 });
  await latenessByWeekday(holdout);

  const challenger = await train({
    model: 'flights',
    data: training,
    features: 'flights',
    target: late,
    trainer: trainerNamed(input.trainer ?? 'built-in'),
    seed: 7,
  });

  const offline = await evaluate(challenger, {
    on: holdout,
    against: 'champion',
    guardrails: [auc.atLeast(0.58), auc.nonInferiorBy(0.005), logLoss.nonInferiorBy(0.01)],
  });
  if (offline.outcome !== 'pass') return reject(challenger, offline);
  // The first release: there is no champion whose traffic could be mirrored.
  if (offline.champion === null) return promote(challenger, offline);

  const mirrored = await shadow(challenger, {
    endpoint: 'flights',
    requests: 2_000,
    atMost: '10 minutes',
    checkEvery: '1 second',
    guardrails: [errors.atMost(0.01), logLoss.nonInferiorBy(0.03, { minimum: 500 })],
  });
  if (mirrored.outcome !== 'pass') return reject(challenger, mirrored);

  const ramped = await canary(challenger, {
    endpoint: 'flights',
    weights: [1, 5, 25, 50, 100],
    requests: 20,
    atMost: '5 minutes',
    checkEvery: '1 second',
    guardrails: [errors.notMoreThanChampion(), slowAnswers.notMoreThanChampion('20 ms')],
  });
  return ramped.outcome === 'pass' ? promote(challenger, ramped) : reject(challenger, ramped);
}
