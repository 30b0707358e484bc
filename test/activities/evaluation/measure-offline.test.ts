import { join } from 'node:path';
import type { EvaluationDependencies } from '../../../activities/evaluation/dependencies.ts';
import { measureOffline } from '../../../activities/evaluation/measure-offline.ts';
import { decide } from '../../../domain/decide.ts';
import type { Guardrail } from '../../../domain/guardrail.ts';
import type { ModelReference } from '../../../domain/model-package.ts';
import type { DataSlice } from '../../../domain/snapshot.ts';
import { holdOutKey, type HoldOutUses } from '../../../stores/hold-outs.ts';
import { readDocument } from '../../../stores/documents.ts';
import { testTrust } from '../../support/test-key.ts';
import { putTinyPackage, type TinyModel } from '../../support/tiny-model.ts';
import { type DataBench, januarySql, openDataBench } from '../data/data-bench.ts';

let bench: DataBench;
let on: DataSlice;
const versions: Record<string, ModelReference> = {};
const notes: string[] = [];

/** Flights late in the day are late more often: `good` knows it, `same` a little less sharply, `bad` has it the wrong way round. */
const models: Readonly<Record<string, TinyModel>> = {
  good: { bias: -2.5, hour: 0.08 },
  same: { bias: -2.4, hour: 0.075 },
  bad: { bias: -0.5, hour: -0.08 },
  numbers: { bias: 0.2, task: 'regression' },
};

beforeAll(async () => {
  bench = await openDataBench();
  const snapshot = await bench.snapshotOf('flights', `${januarySql} AND origin IN ('ORD', 'ATL', 'LGA') LIMIT 20000`);
  on = { snapshot, rows: snapshot.rows };
  for (const [model, tiny] of Object.entries(models))
    versions[model] = await putTinyPackage(bench.store, { model, modelVersion: '1' }, tiny);
}, 60_000);
afterAll(() => bench.close());

function dependencies(call: string): EvaluationDependencies {
  return {
    store: bench.store,
    cacheFolder: bench.cacheFolder,
    packages: { folder: join(bench.folder, 'packages'), trusted: testTrust },
    workFolder: join(bench.folder, 'work'),
    beat: () => ({ signal: new AbortController().signal, note: (text) => notes.push(text) }),
    callId: () => call,
  };
}

function measure(
  guardrails: readonly Guardrail[],
  parts: { readonly challenger?: string; readonly champion?: string; readonly call?: string } = {},
) {
  const { challenger = 'good', champion, call = 'one call' } = parts;
  const [own, other] = [versions[challenger], champion === undefined ? null : versions[champion]];
  if (own === undefined || other === undefined) throw new Error('no such version');
  return measureOffline(dependencies(call), { challenger: own, champion: other, on, guardrails });
}

const auc: Guardrail = { metric: 'auc', rule: 'atLeast', limit: 0.5 };
const higher: Guardrail = { metric: 'auc', rule: 'nonInferior', better: 'higher', margin: 0.01, alpha: 0.05 };

test('one evaluation has quality, slices, groups, behaviour and size, in the order that was asked', async () => {
  const guardrails: readonly Guardrail[] = [
    { metric: 'fileSize', rule: 'atMost', limit: 10_000 },
    { ...auc, by: 'origin', minimum: 100 },
    higher,
    { metric: 'demographicParityRatio', rule: 'atLeast', limit: 0.1, alpha: 0.05, by: 'origin', threshold: 0.2 },
    {
      metric: 'invariant',
      rule: 'atLeast',
      limit: 1,
      cases: { kind: 'invariant', of: { sample: 50 }, change: { field: 'origin', to: ['SFO'] }, tolerance: 0 },
    },
    { metric: 'rows', rule: 'atLeast', limit: 1_000 },
  ];
  const measured = await measure(guardrails, { champion: 'same', call: 'whole' });
  expect(measured.map(({ metric, n }) => [metric, n])).toEqual([
    ['fileSize', 1],
    ['auc', on.rows],
    ['auc', on.rows],
    ['demographicParityRatio', on.rows],
    ['invariant', 50],
    ['rows', on.rows],
  ]);
  expect(measured[1]?.slices?.map(({ slice }) => slice)).toEqual(['ATL', 'LGA', 'ORD']);
  expect(measured[3]?.slices?.map(({ slice }) => slice)).toEqual(['ATL', 'LGA', 'ORD']);
  const decision = decide(guardrails, measured, { champion: true });
  expect(decision.findings.map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'pass', 'pass', 'pass', 'pass']);
  expect(notes).toContain(`good version 1: ${on.rows} rows scored`);
}, 60_000);

test('the AUC is that of DuckDB over the same rows', async () => {
  const [measured] = await measure([auc], { call: 'oracle' });
  // Mann-Whitney by ranks: the model orders flights by their hour.
  const [own] = await bench.sql(`WITH rows AS (SELECT hour(date) AS hour, delay > 15 AS late
      FROM read_parquet('${join(bench.folder, 'flights.parquet')}')),
    ranked AS (SELECT late, rank() OVER (ORDER BY hour) + (count(*) OVER (PARTITION BY hour) - 1) / 2 AS rank FROM rows)
    SELECT (sum(rank) FILTER (late) - n1 * (n1 + 1) / 2) / (n1 * n0) AS auc FROM ranked,
      (SELECT count(*) FILTER (late)::DOUBLE AS n1, count(*) FILTER (NOT late)::DOUBLE AS n0 FROM ranked) GROUP BY n1, n0`);
  expect(measured?.value).toBeCloseTo(Number(own?.['auc']), 10);
}, 30_000);

test('a worse challenger is shown worse', async () => {
  const measured = await measure([higher], { challenger: 'bad', champion: 'good' });
  expect(decide([higher], measured, { champion: true }).outcome).toBe('fail');
}, 30_000);

test('a call that is tried again is the same use of the hold-out, another call the next', async () => {
  const uses: unknown[] = [];
  for (const call of ['first', 'first', 'second'])
    uses.push((await measure([auc], { challenger: 'same', call }))[0]?.holdoutUse);
  expect(uses).toEqual([1, 1, 2]);
  const kept = await readDocument<HoldOutUses>(bench.store, holdOutKey('same', on));
  expect(kept?.value.calls).toEqual(['first', 'second']);
}, 30_000);

test('what needs no outcome does not use the hold-out', async () => {
  await measure([{ metric: 'fileSize', rule: 'atMost', limit: 10_000 }], { challenger: 'bad', call: 'size' });
  const kept = await readDocument<HoldOutUses>(bench.store, holdOutKey('bad', on));
  expect(kept?.value.calls).not.toContain('size');
});

test('a regression is measured in its own metrics, and refused in those of another task', async () => {
  const mae: Guardrail = { metric: 'mae', rule: 'atMost', limit: 1 };
  const [measured] = await measure([mae], { challenger: 'numbers' });
  // The model always says 0.2, and the truth is 0 or 1.
  const [own] = await bench.sql(`SELECT avg(abs(0.2 - (delay > 15)::INTEGER)) AS mae
    FROM read_parquet('${join(bench.folder, 'flights.parquet')}')`);
  expect(measured?.value).toBeCloseTo(Number(own?.['mae']), 6);
  await expect(measure([auc], { challenger: 'numbers' })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
}, 30_000);

test('a champion of another task is refused, unless nothing is compared with it', async () => {
  await expect(measure([higher], { champion: 'numbers' })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(/task is binary, the champion's regression/),
  });
  expect((await measure([auc], { champion: 'numbers' }))[0]?.value).toBeGreaterThan(0.5);
}, 30_000);

test('a package that nobody here has signed is not evaluated', async () => {
  const { good: challenger } = versions;
  if (challenger === undefined) throw new Error('no such version');
  const packages = { folder: join(bench.folder, 'elsewhere'), trusted: () => Promise.resolve([]) };
  await expect(
    measureOffline({ ...dependencies('unsigned'), packages }, { challenger, champion: null, on, guardrails: [auc] }),
  ).rejects.toMatchObject({ code: 'PACKAGE_UNSIGNED' });
});

test('an unknown column is refused by name', async () => {
  await expect(measure([{ ...auc, by: 'airline' }])).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('airline'),
  });
}, 30_000);
