import { measureQuality, type ScoredHoldOut } from '../../../activities/evaluation/measure-quality.ts';
import { decide } from '../../../domain/decide.ts';
import { specialFunctions } from '../../../activities/special-functions.ts';
import type { ScoredRows } from '../../../domain/evaluation/metrics.ts';
import type { Guardrail } from '../../../domain/guardrail.ts';
import { golden, probabilityRows, scoredRows } from '../../domain/golden.ts';

const options = { pause: () => Promise.resolve() };
const auc: Guardrail = { metric: 'auc', rule: 'atLeast', limit: 0.6 };
const higher: Guardrail = { metric: 'auc', rule: 'nonInferior', better: 'higher', margin: 0.01, alpha: 0.05 };
const lower: Guardrail = { metric: 'logLoss', rule: 'nonInferior', better: 'lower', margin: 0.01, alpha: 0.05 };

function binary(outputs: ArrayLike<number>, labels: ArrayLike<number>): ScoredRows {
  return { outputs, width: 1, labels, task: 'binary', threshold: 0.5, quantile: 0.5 };
}

type Rows = {
  readonly labels: readonly number[];
  readonly challenger: readonly number[];
  readonly champion: readonly number[];
};

/** The whole hold-out as both models' rows. */
function holdOut({ labels, challenger, champion }: Rows, parts: Partial<ScoredHoldOut> = {}): ScoredHoldOut {
  const own = binary(challenger, labels);
  const rows = Uint32Array.from(labels.keys());
  const pair = { challenger: own, champion: binary(champion, labels), rows, unanswered: 0 };
  return { own, pair, by: {}, refused: {}, use: 1, ...parts };
}

/** Every third row in turn. */
const thirds = scoredRows().labels.map((_, row) => ['a', 'b', 'c'][row % 3] ?? null);

test("a value is the oracle's, with bounds at the first use of the hold-out", async () => {
  const measured = await measureQuality(auc, holdOut(scoredRows()), options);
  expect(measured).toMatchObject({
    metric: 'auc',
    value: expect.closeTo(golden.auc.challenger, 12),
    n: 300,
    holdoutUse: 1,
  });
  expect(measured.alpha).toBeCloseTo((0.05 * 6) / Math.PI ** 2, 15);
});

test("a difference is DeLong's, and its bounds widen from the oracle's by what the first use costs", async () => {
  const measured = await measureQuality(higher, holdOut(scoredRows()), options);
  const { challenger, champion, standardError } = golden.auc;
  const reach = specialFunctions.normalQuantile(1 - (0.05 * 6) / Math.PI ** 2) * standardError;
  expect(measured).toMatchObject({
    value: expect.closeTo(challenger - champion, 12),
    lower: expect.closeTo(challenger - champion - reach, 12),
    upper: expect.closeTo(challenger - champion + reach, 12),
  });
  expect(measured.method).toContain('DeLong');
});

test('a loss is compared row by row', async () => {
  const measured = await measureQuality(lower, holdOut(probabilityRows()), options);
  expect(measured.value).toBeCloseTo(golden.losses.difference, 12);
  expect(measured.lower ?? 0).toBeLessThan(golden.losses.lower);
  expect(measured.upper ?? 0).toBeGreaterThan(golden.losses.upper);
});

test('each use of a hold-out has less of alpha than the one before', async () => {
  const widths: number[] = [];
  for (const use of [1, 2, 5]) {
    const { lower: low, upper: high, alpha } = await measureQuality(higher, holdOut(scoredRows(), { use }), options);
    expect(alpha).toBeCloseTo((0.05 * 6) / (Math.PI * use) ** 2, 15);
    widths.push((high ?? 0) - (low ?? 0));
  }
  expect(widths).toEqual(widths.toSorted((a, b) => a - b));
});

test('slices come in order of their names, each at its part of alpha', async () => {
  const measured = await measureQuality(
    { ...higher, by: 'part' },
    holdOut(scoredRows(), { by: { part: thirds } }),
    options,
  );
  expect(measured.slices?.map(({ slice, n }) => [slice, n])).toEqual([
    ['a', 100],
    ['b', 100],
    ['c', 100],
  ]);
  expect(measured.alpha).toBeCloseTo((0.05 * 6) / Math.PI ** 2 / 3, 15);
  const single = await measureQuality(
    higher,
    holdOut({
      labels: scoredRows().labels.filter((_, row) => row % 3 === 1),
      challenger: scoredRows().challenger.filter((_, row) => row % 3 === 1),
      champion: scoredRows().champion.filter((_, row) => row % 3 === 1),
    }),
    options,
  );
  expect(measured.slices?.[1]?.value).toBeCloseTo(single.value ?? Number.NaN, 14);
});

test('a slice that must be there takes its part of alpha though it has no row', async () => {
  const guardrail: Guardrail = { ...higher, by: 'part', slices: ['a', 'z'] };
  const measured = await measureQuality(guardrail, holdOut(scoredRows(), { by: { part: thirds } }), options);
  expect(measured.alpha).toBeCloseTo((0.05 * 6) / Math.PI ** 2 / 4, 15);
  expect(measured.slices?.map(({ slice }) => slice)).toEqual(['a', 'b', 'c']);
});

test('rare slices are put together, named ones and rows without a value are not lost', async () => {
  const part = thirds.map((value, row) =>
    row < 5 ? 'rare' : row < 9 ? 'named' : row < 12 ? 'few' : row < 40 ? null : value,
  );
  const guardrail: Guardrail = { ...auc, by: 'part', poolBelow: 10, slices: ['named'] };
  const measured = await measureQuality(guardrail, holdOut(scoredRows(), { by: { part } }), options);
  expect(measured.slices?.map(({ slice, n }) => [slice, n])).toEqual([
    ['(missing)', 28],
    ['(other)', 8],
    ['a', 86],
    ['b', 87],
    ['c', 87],
    ['named', 4],
  ]);
});

test('more than 200 slices are refused', async () => {
  const part = scoredRows().labels.map((_, row) => `row ${row}`);
  await expect(
    measureQuality({ ...auc, by: 'part' }, holdOut(scoredRows(), { by: { part } }), options),
  ).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(/'part' has 300 slices.*poolBelow/),
  });
});

test('without a champion a comparison has no value', async () => {
  const measured = await measureQuality(higher, holdOut(scoredRows(), { pair: null }), options);
  expect(measured).toEqual({ metric: 'auc', value: null, n: 300, lower: null, upper: null });
});

test('a hold-out without rows, and a slice of one class, have no value', async () => {
  const empty = await measureQuality(auc, holdOut({ labels: [], challenger: [], champion: [] }), options);
  expect(empty).toMatchObject({ value: null, n: 0 });
  const part = scoredRows().labels.map(String);
  const measured = await measureQuality({ ...auc, by: 'part' }, holdOut(scoredRows(), { by: { part } }), options);
  expect(measured.slices?.map(({ value }) => value)).toEqual([null, null]);
});

test('rows are counted, by slice too', async () => {
  const guardrail: Guardrail = { metric: 'rows', rule: 'atLeast', limit: 9, by: 'part' };
  const measured = await measureQuality(guardrail, holdOut(scoredRows(), { by: { part: thirds } }), options);
  expect(measured).toMatchObject({ value: 300, unit: 'rows' });
  expect(measured.slices?.[0]).toEqual({ slice: 'a', value: 100, n: 100 });
});

test('groups are compared at the threshold', async () => {
  const labels = [1, 1, 0, 0, 1, 1, 0, 0];
  const scored = binary([0.9, 0.6, 0.6, 0.1, 0.9, 0.3, 0.3, 0.1], labels);
  const sex = ['f', 'f', 'f', 'f', 'm', 'm', 'm', 'm'];
  const guardrail: Guardrail = {
    metric: 'demographicParityRatio',
    rule: 'atLeast',
    limit: 0.8,
    by: 'sex',
    alpha: 0.05,
  };
  const of = (threshold: number) =>
    measureQuality({ ...guardrail, threshold }, { own: scored, pair: null, by: { sex }, refused: {}, use: 1 }, options);
  // By hand: 3 of 4 and 1 of 4 are answered true; at 0.2 it is 3 and 3.
  expect((await of(0.5)).value).toBeCloseTo(1 / 3, 12);
  expect((await of(0.2)).value).toBe(1);
  expect((await of(0.5)).slices?.map(({ slice, value }) => [slice, value])).toEqual([
    ['f', 0.75],
    ['m', 0.25],
  ]);
});

test('200,000 rows in twenty slices are measured without holding the process', async () => {
  const rows = 200_000;
  const challenger = Array.from({ length: rows }, (_, row) => ((row * 7_919) % 10_007) / 10_007);
  const labels = Array.from({ length: rows }, (_, row) => Number((row * 104_729) % 5 === 0));
  const part = labels.map((_, row) => `slice ${row % 20}`);
  let pauses = 0;
  const measured = await measureQuality(
    { ...higher, by: 'part' },
    holdOut({ labels, challenger, champion: challenger }, { by: { part } }),
    { pause: () => Promise.resolve(void (pauses += 1)) },
  );
  expect(measured).toMatchObject({ value: 0, n: rows, lower: 0, upper: 0 });
  expect(measured.slices).toHaveLength(20);
  expect(pauses).toBeGreaterThanOrEqual(20);
}, 20_000);

/** The first 200 rows as those that the champion can score too. */
function twoThirds(): ScoredHoldOut {
  const whole = holdOut(scoredRows());
  const rows = Uint32Array.from({ length: 200 }, (_, row) => row);
  const part = (scored: ScoredRows): ScoredRows => ({
    ...scored,
    outputs: Array.from(scored.outputs).slice(0, 200),
    labels: Array.from(scored.labels).slice(0, 200),
  });
  if (whole.pair === null) throw new Error('no pair');
  const { challenger, champion } = whole.pair;
  return {
    ...whole,
    by: { part: Array.from({ length: 300 }, (_, row) => (row < 200 ? 'both' : 'new')) },
    pair: { challenger: part(challenger), champion: part(champion), rows, unanswered: 0 },
  };
}

test('a slice that only the challenger can score is not compared, so nothing is shown of it', async () => {
  const guardrail = { ...higher, margin: 0.9, by: 'part' };
  const measured = await measureQuality(guardrail, twoThirds(), options);
  expect(measured.slices).toMatchObject([
    { slice: 'both', n: 200 },
    { slice: 'new', value: null, n: 0 },
  ]);
  const { outcome, reason } = decide([guardrail], [measured], { champion: true });
  expect({ outcome, reason }).toEqual({ outcome: 'inconclusive', reason: expect.stringContaining('part new') });
});

test.each([
  ['auc', { ...auc, limit: 0.5, by: 'part' }],
  ['rows', { metric: 'rows', rule: 'atLeast', limit: 1, by: 'part' }],
  ['demographicParityRatio', { metric: 'demographicParityRatio', rule: 'atLeast', limit: 0, alpha: 0.05, by: 'part' }],
] as const)(
  'a slice whose every row lacks a field of the record is missing, not passed: %s',
  async (_, guardrail: Guardrail) => {
    const scored = holdOut(scoredRows(), { by: { part: thirds } });
    const whole = await measureQuality(guardrail, scored, options);
    expect(decide([guardrail], [whole], { champion: true }).outcome).toBe('pass');
    const lacking = await measureQuality(guardrail, { ...scored, refused: { part: ['a', 'd', null] } }, options);
    expect(lacking.slices?.map(({ slice }) => slice)).toEqual(['(missing)', 'a', 'b', 'c', 'd']);
    expect(decide([guardrail], [lacking], { champion: true })).toMatchObject({
      outcome: 'inconclusive',
      reason: expect.stringContaining('d'),
    });
  },
);

test('a challenger that cannot answer what the champion answers is not shown to be as good', async () => {
  const scored = holdOut(scoredRows());
  const guardrail = { ...higher, margin: 0.9 };
  if (scored.pair === null) throw new Error('no pair');
  const answered = await measureQuality(guardrail, scored, options);
  expect(decide([guardrail], [answered], { champion: true }).outcome).toBe('pass');
  const pair = { ...scored.pair, unanswered: 12 };
  const measured = await measureQuality(guardrail, { ...scored, pair }, options);
  expect(decide([guardrail], [measured], { champion: true })).toMatchObject({
    outcome: 'inconclusive',
    reason: expect.stringContaining('12 rows that the champion answers'),
  });
});

test('groups are not compared by answers that are no numbers', async () => {
  const guardrail: Guardrail = {
    metric: 'demographicParityDifference',
    rule: 'atMost',
    limit: 0.9,
    alpha: 0.05,
    by: 'part',
  };
  const { labels, challenger, champion } = scoredRows();
  const broken = challenger.map((score, row) => (row === 5 ? Number.NaN : score));
  const measured = await measureQuality(
    guardrail,
    holdOut({ labels, challenger: broken, champion }, { by: { part: thirds } }),
    options,
  );
  expect(measured.value).toBeNull();
  expect(decide([guardrail], [measured], { champion: true }).outcome).toBe('inconclusive');
});
