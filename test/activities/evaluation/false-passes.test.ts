import { measureQuality, type ScoredHoldOut } from '../../../activities/evaluation/measure-quality.ts';
import { decide } from '../../../domain/decide.ts';
import type { ScoredRows } from '../../../domain/evaluation/metrics.ts';
import type { Guardrail } from '../../../domain/guardrail.ts';
import { generator } from '../../domain/golden.ts';

const options = { pause: () => Promise.resolve() };
const alpha = 0.05;
const margin = 0.05;
const holdOuts = 200;
const retrains = 12;
const rows = 100;

/** Three standard deviations of the share that is counted, were it alpha. */
const tolerance = 3 * Math.sqrt((alpha * (1 - alpha)) / holdOuts);

function regression(outputs: Float64Array): ScoredRows {
  return {
    outputs,
    width: 1,
    labels: new Float64Array(outputs.length),
    task: 'regression',
    threshold: 0.5,
    quantile: 0.5,
  };
}

/** Errors evenly between -width and width have a mean absolute error of width / 2. */
function errors(next: () => number, width: number): ScoredRows {
  return regression(Float64Array.from({ length: rows }, () => (next() * 2 - 1) * width));
}

/** The share of hold-outs on which a challenger that is worse by exactly the margin passes at least once in all its retrains. */
async function falsePasses(useOf: (retrain: number) => number, guardrail: Guardrail): Promise<number> {
  const next = generator(11);
  const places = Uint32Array.from({ length: rows }, (_, row) => row);
  const part = Array.from(places, (row) => (row % 2 === 0 ? 'even' : 'odd'));
  let passed = 0;
  for (let holdOut = 0; holdOut < holdOuts; holdOut += 1) {
    const champion = errors(next, 1);
    let everPassed = false;
    for (let retrain = 1; retrain <= retrains; retrain += 1) {
      const challenger = errors(next, 1 + 2 * margin);
      const scored: ScoredHoldOut = {
        own: challenger,
        pair: { challenger, champion, rows: places, unanswered: 0 },
        by: { part },
        refused: {},
        use: useOf(retrain),
      };
      const measured = await measureQuality(guardrail, scored, options);
      everPassed ||= decide([guardrail], [measured], { champion: true }).outcome === 'pass';
    }
    if (everPassed) passed += 1;
  }
  return passed / holdOuts;
}

const comparison: Guardrail = { metric: 'mae', rule: 'nonInferior', better: 'lower', margin, alpha };

test('a worse challenger passes at most alpha of the hold-outs, over twelve retrains on each', async () => {
  expect(await falsePasses((retrain) => retrain, comparison)).toBeLessThanOrEqual(alpha + tolerance);
}, 60_000);

test('without counting the uses it would pass far more often: the count is what keeps alpha', async () => {
  expect(await falsePasses(() => 1, comparison)).toBeGreaterThan(2 * alpha);
}, 60_000);

test('slices do not let a worse challenger through either', async () => {
  expect(await falsePasses((retrain) => retrain, { ...comparison, by: 'part' })).toBeLessThanOrEqual(alpha + tolerance);
}, 60_000);

test('an absolute limit with alpha is kept in the same way', async () => {
  const limit: Guardrail = { metric: 'mae', rule: 'atMost', limit: 0.5 + margin, alpha };
  expect(await falsePasses((retrain) => retrain, limit)).toBeLessThanOrEqual(alpha + tolerance);
}, 60_000);
