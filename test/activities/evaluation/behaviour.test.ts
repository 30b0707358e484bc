import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { measureBehaviour } from '../../../activities/evaluation/measure-behaviour.ts';
import { openPackedModel, type PackedModel } from '../../../activities/evaluation/packed-model.ts';
import type { BehaviourCases, CaseRecord } from '../../../domain/guardrail.ts';
import { behaviour } from '../../../workflows/steps/behaviour.ts';
import { type TinyModel, tinyPackageFiles } from '../../support/tiny-model.ts';

const signal = new AbortController().signal;
const flight: CaseRecord = { date: '2001-01-01T10:00:00Z', distance: 1_000, origin: 'ORD' };
const flights = [flight, { ...flight, origin: 'SFO' }, { ...flight, distance: 2_000 }];

const opened: { readonly model: PackedModel; readonly folder: string }[] = [];
async function packed(model: TinyModel): Promise<PackedModel> {
  const folder = dirname((await tinyPackageFiles(model))['model.onnx']);
  opened.push({ model: await openPackedModel(folder), folder });
  return opened.at(-1)?.model ?? Promise.reject(new Error('not opened'));
}
afterAll(async () => {
  for (const { model, folder } of opened) {
    await model.close();
    await rm(folder, { recursive: true });
  }
});

/** Records of the hold-out, where a test needs them. */
const sample = (count: number) => Promise.resolve(flights.slice(0, count).map((record) => ({ record, past: {} })));

function measure(model: PackedModel, cases: BehaviourCases | undefined) {
  if (cases === undefined) throw new Error('the guardrail has no cases');
  return measureBehaviour(model, cases, { sample, signal });
}

test('an answer that does not look at a field is invariant to it', async () => {
  const model = await packed({ bias: 0, distance: 1 });
  const { cases } = behaviour.invariant({
    of: { records: flights },
    change: { field: 'origin', to: ['ATL', 'SFO'] },
    tolerance: 0,
  });
  // Three records by two airports, less the one that is there already.
  expect(await measure(model, cases)).toEqual({ metric: 'invariant', value: 1, n: 5, unit: 'share' });
});

test('an answer that moves with a field is not, and examples say by how much', async () => {
  const model = await packed({ bias: 0, origins: { SFO: 1 } });
  const { cases } = behaviour.invariant({
    of: { records: [flight] },
    change: { field: 'origin', to: ['SFO', 'ATL'] },
    tolerance: 0.01,
  });
  // By hand: sigmoid(1) - sigmoid(0) = 0.2311.
  expect(await measure(model, cases)).toEqual({
    metric: 'invariant',
    value: 0.5,
    n: 2,
    unit: 'share',
    examples: ['record 1, origin "ORD" → "SFO": the answer changes by 0.2311'],
  });
});

test('examples of hold-out records carry none of their values', async () => {
  const model = await packed({ bias: 0, origins: { SFO: 1 } });
  const measured = await measure(model, {
    kind: 'invariant',
    of: { sample: 1 },
    change: { field: 'origin', to: ['SFO'] },
    tolerance: 0.01,
  });
  expect(measured.examples).toEqual(['record 1, origin → "SFO": the answer changes by 0.2311']);
});

test.each([
  ['up', false, 1],
  ['up', true, 1],
  ['down', false, 0],
] as const)('a longer flight goes %s (strict: %s): %d hold', async (expected, strict, share) => {
  const model = await packed({ bias: -1, distance: 0.5 });
  const measured = await measure(model, {
    kind: 'directional',
    of: { sample: 3 },
    change: { field: 'distance', multiply: 1.5 },
    expect: expected,
    strict,
  });
  expect(measured).toMatchObject({ value: share, n: 3 });
});

test('an answer that stays holds unless the direction is strict', async () => {
  const model = await packed({ bias: 0.3 });
  const cases = {
    kind: 'directional',
    of: { sample: 2 },
    change: { field: 'date', add: 3_600_000 },
    expect: 'up',
  } as const;
  expect((await measure(model, { ...cases, strict: false })).value).toBe(1);
  expect((await measure(model, { ...cases, strict: true })).value).toBe(0);
});

test('a time is moved by milliseconds', async () => {
  const model = await packed({ bias: -3, hour: 0.2 });
  const cases = {
    kind: 'directional',
    of: { records: [flight] },
    change: { field: 'date', add: 3_600_000 },
    strict: true,
  } as const;
  expect((await measure(model, { ...cases, expect: 'up' })).value).toBe(1);
});

test('plain examples have limits, or a class', async () => {
  const model = await packed({ bias: 0, origins: { SFO: 2 }, task: 'multiclass' });
  // By hand: softmax(2, 0, -2) = 0.867, 0.117, 0.016 for early, late, on time.
  const { cases } = behaviour.minimumFunctionality({
    examples: [
      { record: { ...flight, origin: 'SFO' }, expect: { class: 'early' } },
      { record: { ...flight, origin: 'SFO' }, expect: { class: 'early', atLeast: 0.85, atMost: 0.88 } },
      { record: { ...flight, origin: 'SFO' }, expect: { class: 'late' } },
      { record: { ...flight, origin: 'SFO' }, expect: { class: 'on time', atLeast: 0.5 } },
    ],
  });
  expect(await measure(model, cases)).toMatchObject({
    value: 0.5,
    n: 4,
    examples: ["example 3: the answer is 'early'", 'example 4: the answer is 0.01588'],
  });
});

test('a record that the feature function fails on does not hold, and the others are tried', async () => {
  const model = await packed({ bias: 0 });
  const measured = await measure(model, {
    kind: 'invariant',
    of: { records: flights },
    change: { field: 'origin', to: ['BOOM'] },
    tolerance: 0,
  });
  expect(measured).toMatchObject({ value: 0, n: 3 });
  expect(measured.examples?.[0]).toContain('no such airport');
});

test('a change that changes nothing makes no case, and no case has no value', async () => {
  const model = await packed({ bias: 0 });
  const measured = await measure(model, {
    kind: 'invariant',
    of: { records: [flight] },
    change: { field: 'origin', to: ['ORD'] },
    tolerance: 0,
  });
  expect(measured).toEqual({ metric: 'invariant', value: null, n: 0, unit: 'share' });
});

test.each([
  [{ field: 'gate', to: ['A1'] }, /'gate', which is not in the record.*date, distance, origin/],
  [{ field: 'origin', add: 1 }, /counts with 'origin', which is a string/],
  [{ field: 'distance', to: ['far'] }, /Field 'distance' must be a number/],
])('a change that the record does not take is refused: %j', async (change, message) => {
  const model = await packed({ bias: 0 });
  await expect(
    measure(model, { kind: 'invariant', of: { records: [flight] }, change, tolerance: 0 }),
  ).rejects.toMatchObject({ code: 'INPUT_INVALID', message: expect.stringMatching(message) });
});
