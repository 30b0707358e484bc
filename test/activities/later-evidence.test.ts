import { type EventShare, laterLogEvidence, rateUpperBound } from '../../activities/release/later-evidence.ts';
import { specialFunctions } from '../../activities/special-functions.ts';
import { generator } from '../domain/golden.ts';

const alpha = 0.05;
const boundError = alpha / 10;

test('the bound of one trial without event is 1 - error / 2, as the Jeffreys mixture of one trial gives 1/2', () => {
  expect(rateUpperBound(specialFunctions, { events: 0, trials: 1 }, 0.01)).toBeCloseTo(0.995, 12);
});

test('where nothing was tried, or everything failed, the bound is 1 and nothing is evidence', () => {
  const alone = { events: 50, trials: 50 };
  for (const before of [
    { events: 0, trials: 0 },
    { events: 9, trials: 9 },
  ]) {
    expect(rateUpperBound(specialFunctions, before, 0.01)).toBe(1);
    expect(laterLogEvidence(specialFunctions, { before, alone, boundError })).toBe(0);
  }
});

test('at any of 2,000 trials the true rate is above the bound in at most the stated share of streams', () => {
  const next = generator(61);
  const streams = 200;
  let missed = 0;
  for (let stream = 0; stream < streams; stream++) {
    let events = 0;
    let below = false;
    for (let trials = 1; trials <= 2_000; trials++) {
      if (next() < 0.03) events++;
      if (trials % 10 === 0) below ||= rateUpperBound(specialFunctions, { events, trials }, 0.1) < 0.03;
    }
    if (below) missed++;
  }
  expect(missed / streams).toBeLessThanOrEqual(0.1);
});

/** Share of ramps with an alarm at any of 120 looks, where the ramp before ended when the champion looked best. */
function alarmShare(champion: number, challenger: number, seed: number): number {
  const next = generator(seed);
  const ramps = 200;
  let alarms = 0;
  for (let ramp = 0; ramp < ramps; ramp++) {
    let before: EventShare = { events: 1, trials: 1 };
    for (let trials = 1, events = 0; trials <= 1_000; trials++) {
      if (next() < champion) events++;
      if (trials >= 200 && events / trials <= before.events / before.trials) before = { events, trials };
    }
    for (let trials = 1, events = 0; trials <= 600; trials++) {
      if (next() < challenger) events++;
      if (trials % 5 > 0) continue;
      const evidence = laterLogEvidence(specialFunctions, { before, alone: { events, trials }, boundError });
      if (evidence >= -Math.log(alpha)) {
        alarms++;
        break;
      }
    }
  }
  return alarms / ramps;
}

test('looking after every fifth answer, a challenger like the champion raises an alarm in at most 5.5 % of ramps', () => {
  expect(alarmShare(0.02, 0.02, 62)).toBeLessThanOrEqual(alpha + boundError);
});

test('a challenger that fails six times as often is found', () => {
  expect(alarmShare(0.02, 0.12, 63)).toBeGreaterThan(0.9);
});

test('a hundred thousand answers without failure are no evidence', () => {
  const before = { events: 5, trials: 1_000 };
  const evidence = laterLogEvidence(specialFunctions, { before, alone: { events: 0, trials: 100_000 }, boundError });
  expect(evidence).toBeLessThan(0);
});
