import { specialFunctions } from '../../activities/special-functions.ts';
import { confidenceSequenceHalfWidth } from '../../domain/statistics/asymptotic-confidence-sequence.ts';
import { errorEventLogEvidence } from '../../domain/statistics/error-event-evidence.ts';
import { addValue, meanEstimate, noMoments } from '../../domain/statistics/moments.ts';
import { generator } from './golden.ts';

const { lnGamma } = specialFunctions;

/** Exact mean of E after n errors when each falls into the canary with probability theta. */
function meanEvidence(n: number, share: number, theta: number): number {
  let mean = 0;
  for (let x = 0; x <= n; x++) {
    const lnChoose = lnGamma(n + 1) - lnGamma(x + 1) - lnGamma(n - x + 1);
    const lnProbability = lnChoose + x * Math.log(theta) + (n - x) * Math.log1p(-theta);
    mean += Math.exp(lnProbability + errorEventLogEvidence(specialFunctions, { errors: n, inCanary: x, share }));
  }
  return mean;
}

test.each([0.01, 0.05, 0.25, 0.5])('at share %d the evidence has mean 1 while both error rates are equal', (share) => {
  for (const n of [1, 10, 60, 300]) expect(meanEvidence(n, share, share)).toBeCloseTo(1, 9);
});

test('the evidence has mean below 1 while the canary is better', () => {
  expect(meanEvidence(60, 0.05, 0.03)).toBeLessThan(1);
  expect(meanEvidence(60, 0.5, 0.2)).toBeLessThan(1);
});

/** Share of error streams in which the evidence reaches 20 at any look. */
function alarmShare(theta: number, share: number, seed: number): number {
  const next = generator(seed);
  const streams = 600;
  let alarms = 0;
  for (let stream = 0; stream < streams; stream++) {
    let inCanary = 0;
    for (let errors = 1; errors <= 150; errors++) {
      if (next() < theta) inCanary++;
      if (errorEventLogEvidence(specialFunctions, { errors, inCanary, share }) >= Math.log(20)) {
        alarms++;
        break;
      }
    }
  }
  return alarms / streams;
}

test('looking after every error raises a false alarm in at most 5 % of canaries', () => {
  expect(alarmShare(0.05, 0.05, 11)).toBeLessThanOrEqual(0.05);
  expect(alarmShare(0.25, 0.25, 12)).toBeLessThanOrEqual(0.05);
});

test('a canary with four times the error rate is found', () => {
  const theta = (0.05 * 4) / (0.05 * 4 + 0.95);
  expect(alarmShare(theta, 0.05, 13)).toBeGreaterThan(0.9);
});

test('looking at a mean every 20 observations, its one-sided bound is wrong at any look in at most 5 % of samples', () => {
  const next = generator(21);
  const samples = 400;
  let missed = 0;
  for (let sample = 0; sample < samples; sample++) {
    let moments = noMoments;
    for (let n = 1; n <= 1500; n++) {
      moments = addValue(moments, -Math.log(next()));
      const estimate = n >= 100 && n % 20 === 0 ? meanEstimate(moments) : null;
      if (estimate === null) continue;
      const { value, standardError } = estimate;
      const half = confidenceSequenceHalfWidth({
        standardError,
        observations: n,
        tightestAt: 1000,
        alpha: 0.05,
        sides: 'one',
      });
      if (value - half > 1) {
        missed++;
        break;
      }
    }
  }
  expect(missed / samples).toBeLessThanOrEqual(0.05);
});
