import type { Decision } from '../../domain/decision.ts';
import type { Duration } from '../../domain/duration.ts';
import type { Guardrail } from '../../domain/guardrail.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { RampPolicy } from '../../domain/ramp.ts';
import type { Arm, Route } from '../../domain/route.ts';
import { decide } from '../../domain/decide.ts';
import { CodedError } from '../../domain/errors.ts';
import { nextRampStep } from '../../domain/ramp-step.ts';
import { sleep } from '@temporalio/workflow';
import { traffic } from '../activities.ts';
import { type StepHandle, recordDecision, recordStep } from '../run-progress.ts';
import { changeEndpoint } from './endpoint-change.ts';
import { errors } from './guardrails.ts';
import { type Stage, pauseMs, requireRequests, servingChampion } from './stage.ts';

export type CanaryOptions = {
  readonly endpoint: string;
  /** Shares of live traffic in percent, ascending. */
  readonly weights: readonly number[];
  /** The longest that one weight is tried. */
  readonly atMost: Duration;
  /** How many live answers of the challenger each weight needs. */
  readonly requests: number;
  /** Default: failed answers not more than the champion's. */
  readonly guardrails?: readonly Guardrail[];
  readonly checkEvery?: Duration;
};

/** What the ramp has done so far: one entry for each weight that was set. */
type Ramp = {
  readonly routes: readonly Route[];
  readonly weights: readonly { readonly epoch: number; readonly weight: number }[];
};

/**
 * Lets the challenger answer a growing share of live traffic, and stops at the first sign that it is worse. It takes nothing back by itself: the
 * pipeline's next step, `promote` or `reject`, sets the route. Evidence is pooled over all weights of the ramp.
 *
 * @example
 * const ramped = await canary(challenger, { endpoint: 'flights', weights: [1, 5, 25, 50, 100], requests: 200, atMost: '30 minutes' });
 */
export async function canary(challenger: ModelReference, options: CanaryOptions): Promise<Stage> {
  const policy: RampPolicy = {
    weights: options.weights,
    atMost: options.atMost,
    requests: options.requests,
    guardrails: options.guardrails ?? [errors.notMoreThanChampion()],
  };
  return recordStep(
    'canary',
    async (step) => {
      requireRamp(policy);
      const { champion } = await servingChampion(options.endpoint);
      const decision = await climb({
        policy,
        challenger,
        champion,
        step,
        endpoint: options.endpoint,
        checkEvery: options.checkEvery ?? '10 seconds',
      });
      recordDecision('canary', decision);
      return { ...decision, endpoint: options.endpoint, challenger, champion };
    },
    (stage) => `${stage.outcome}: ${stage.reason}`,
  );
}

type Climb = {
  readonly policy: RampPolicy;
  readonly challenger: ModelReference;
  readonly champion: ModelReference;
  readonly step: StepHandle;
  readonly endpoint: string;
  readonly checkEvery: Duration;
};

async function climb(task: Climb): Promise<Decision> {
  let ramp: Ramp = await setWeight(task, { routes: [], weights: [] }, 0);
  for (;;) {
    const step = ramp.routes.length - 1;
    await sleep(pauseMs(task.checkEvery, Date.now() - Date.parse(ramp.routes[0]?.at ?? '')));
    const { decision, requests } = await measure(task, ramp);
    task.step.note(`weight ${task.policy.weights[step] ?? 0} %, ${requests} answers`);
    const elapsedMs = Date.now() - Date.parse(ramp.routes.at(-1)?.at ?? '');
    const next = nextRampStep(task.policy, { step, decision, requests, elapsedMs });
    switch (next.kind) {
      case 'continue':
        break;
      case 'advance':
        ramp = await setWeight(task, ramp, step + 1);
        break;
      case 'finished':
        return decision;
      case 'rollBack':
        return { ...decision, outcome: next.verdict, reason: next.reason };
      default:
        return next satisfies never;
    }
  }
}

async function setWeight(task: Climb, ramp: Ramp, step: number): Promise<Ramp> {
  const weight = task.policy.weights[step] ?? 0;
  const route = await changeEndpoint({
    endpoint: task.endpoint,
    changeId: `${task.step.stepId}-${step}-${weight}`,
    expects: task.champion,
    arms: arms(task.champion, task.challenger, weight),
    shadows: [],
    why: `canary of version ${task.challenger.modelVersion} at ${weight} %`,
    done: false,
  });
  task.step.note(`weight ${weight} %`);
  return { routes: [...ramp.routes, route], weights: [...ramp.weights, { epoch: route.epoch, weight }] };
}

function arms(champion: ModelReference, challenger: ModelReference, weight: number): readonly Arm[] {
  return [
    { name: 'champion', version: champion, weight: 100 - weight },
    { name: 'challenger', version: challenger, weight },
  ];
}

async function measure(task: Climb, ramp: Ramp): Promise<{ readonly decision: Decision; readonly requests: number }> {
  const requestsRule: Guardrail = { metric: 'requests', rule: 'atLeast', limit: task.policy.requests };
  const first = ramp.routes[0];
  const measurements = await traffic.measureCanary({
    endpoint: task.endpoint,
    champion: task.champion,
    challenger: task.challenger,
    sinceEpoch: first?.epoch ?? 0,
    since: first?.at ?? '',
    weights: ramp.weights,
    guardrails: [requestsRule, ...task.policy.guardrails],
  });
  return {
    decision: decide(task.policy.guardrails, measurements.slice(1), { champion: true }),
    requests: measurements[0]?.value ?? 0,
  };
}

/** A ramp that is none would send all traffic to the challenger at once. */
function requireRamp({ weights, requests }: RampPolicy): void {
  requireRequests(requests);
  const climbs = weights.every((weight, index) => weight > (weights[index - 1] ?? 0) && weight <= 100);
  if (weights.length > 0 && climbs) return;
  throw new CodedError(
    'INPUT_INVALID',
    `The weights [${weights.join(', ')}] are no ramp. Give shares in percent, ascending, above 0 and up to 100.`,
  );
}
