import {
  auc,
  canary,
  denseNet,
  errors,
  evaluate,
  promote,
  reject,
  shadow,
  snapshot,
  split,
  train,
  validate,
} from 'perdura/steps';
import type { ReleaseOutcome } from 'perdura/steps';
import { churnSchema, left } from './schema.ts';

/** Trains a model of leaving customers on the newest data and makes it the champion if it holds up. */
export async function churn(input: { readonly data?: string }): Promise<ReleaseOutcome> {
  const data = await snapshot({ dataset: 'churn', from: input.data ?? 'newest' });
  const { accepted } = await validate(data, churnSchema);

  const { training, holdout } = await split(accepted, { byTime: 'date', holdout: 0.25 });
  const challenger = await train({
    model: 'churn',
    data: training,
    features: 'churn',
    target: left,
    trainer: denseNet({ hidden: [16], epochs: 8, batchSize: 32 }),
    seed: 7,
  });

  const offline = await evaluate(challenger, {
    on: holdout,
    against: 'champion',
    guardrails: [auc.atLeast(0.65), auc.nonInferiorBy(0.05)],
  });
  if (offline.outcome !== 'pass') return reject(challenger, offline);
  // The first release: there is no champion yet, and no live traffic to compare in.
  if (offline.champion === null) return promote(challenger, offline);

  const mirrored = await shadow(challenger, { endpoint: 'churn', requests: 200, atMost: '10 minutes' });
  if (mirrored.outcome !== 'pass') return reject(challenger, mirrored);

  const ramped = await canary(challenger, {
    endpoint: 'churn',
    weights: [5, 50, 100],
    requests: 50,
    atMost: '30 minutes',
    guardrails: [errors.notMoreThanChampion()],
  });
  return ramped.outcome === 'pass' ? promote(challenger, ramped) : reject(challenger, ramped);
}
