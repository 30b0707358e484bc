import type { Decision } from '../../domain/decision.ts';
import type { RampPolicy } from '../../domain/ramp.ts';
import { nextRampStep } from '../../domain/ramp-step.ts';
import type { Verdict } from '../../domain/verdict.ts';

const policy: RampPolicy = { weights: [1, 25, 100], atMost: '30 minutes', requests: 200, guardrails: [] };
const decided = (outcome: Verdict): Decision => ({ outcome, reason: `It is ${outcome}.`, findings: [] });
const late = 30 * 60_000;

test('a failure rolls back at once, even without traffic', () => {
  const action = nextRampStep(policy, { step: 0, decision: decided('fail'), requests: 0, elapsedMs: 0 });
  expect(action).toEqual({ kind: 'rollBack', verdict: 'fail', reason: 'It is fail.' });
});

test('a pass with enough answers climbs to the next weight', () => {
  const state = { decision: decided('pass'), requests: 200, elapsedMs: 0 };
  expect(nextRampStep(policy, { ...state, step: 0 })).toEqual({ kind: 'advance', weight: 25 });
  expect(nextRampStep(policy, { ...state, step: 1 })).toEqual({ kind: 'advance', weight: 100 });
});

test('a pass at the last weight finishes', () => {
  const action = nextRampStep(policy, { step: 2, decision: decided('pass'), requests: 200, elapsedMs: 0 });
  expect(action).toEqual({ kind: 'finished' });
});

test('a pass with too few answers waits, and is rolled back as inconclusive when the time is over', () => {
  const state = { step: 1, decision: decided('pass'), requests: 199 };
  expect(nextRampStep(policy, { ...state, elapsedMs: late - 1 })).toEqual({ kind: 'continue' });
  expect(nextRampStep(policy, { ...state, elapsedMs: late })).toEqual({
    kind: 'rollBack',
    verdict: 'inconclusive',
    reason: 'The challenger answered 199 requests within 30 minutes at 25 % of the traffic, 200 are needed.',
  });
});

test('an open decision waits, and is rolled back as inconclusive when the time is over', () => {
  const state = { step: 0, decision: decided('inconclusive'), requests: 5_000 };
  expect(nextRampStep(policy, { ...state, elapsedMs: 0 })).toEqual({ kind: 'continue' });
  expect(nextRampStep(policy, { ...state, elapsedMs: late })).toMatchObject({
    kind: 'rollBack',
    verdict: 'inconclusive',
    reason: expect.stringContaining('It is inconclusive.'),
  });
});

test('a canary without traffic is inconclusive, even where no answers are asked for', () => {
  const state = { step: 0, decision: decided('pass'), requests: 0, elapsedMs: late };
  for (const requests of [200, 0])
    expect(nextRampStep({ ...policy, requests }, state)).toMatchObject({ kind: 'rollBack', verdict: 'inconclusive' });
});
