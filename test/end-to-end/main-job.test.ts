import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Summary } from '../../main-job/summary.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let homeFolder: string;
let stdout: string;

beforeAll(async () => {
  homeFolder = await mkdtemp(join(tmpdir(), 'perdura-main-job-'));
  const environment = { ...process.env, PERDURA_HOME: homeFolder };
  const job = [join(root, 'dist/main-job/main.js'), '--json', '--fresh'];
  ({ stdout } = await promisify(execFile)(process.execPath, job, { cwd: root, env: environment, maxBuffer: 2 ** 26 }));
}, 600_000);

afterAll(() => rm(homeFolder, { recursive: true, force: true }));

const facts = (): Summary => JSON.parse(stdout) as Summary;

test('the main job prints one JSON document and nothing else', () => {
  expect(facts().runs.map((run) => `${run.what} by ${run.startedBy}`)).toEqual([
    'January by person',
    'February by schedule',
    'Broken batch by person',
    'Retraining by monitor',
  ]);
});

test('January is promoted, the others end as the evidence says', () => {
  const verdicts = Object.fromEntries(facts().runs.map((run) => [run.what, run.verdict]));
  expect(verdicts['January']).toBe('promoted');
  expect(['promoted', 'rejected']).toContain(verdicts['February']);
  expect(['promoted', 'rejected']).toContain(verdicts['Retraining']);
});

test('the broken batch is stopped at the gate with each fault named', () => {
  expect(facts().gate).toMatchObject({ code: 'EXPECTATIONS_VIOLATED' });
  const report = facts().gate?.details['report'] as { readonly violations: readonly { readonly code: string }[] };
  expect(report.violations.map(({ code }) => code).toSorted()).toEqual([
    'COMPARATOR_LOW_NUM_EXAMPLES',
    'ENUM_TYPE_UNEXPECTED_STRING_VALUES',
    'FEATURE_TYPE_LOW_FRACTION_PRESENT',
    'INT_TYPE_SMALL_INT',
    'QUANTILE_OUT_OF_RANGE',
    'SCHEMA_MISSING_COLUMN',
    'UNEXPECTED_DATA_TYPE',
  ]);
});

test('no request failed', () => {
  expect(facts().requests.failed).toBe(0);
  const { answered, byGrpc } = facts().requests;
  expect(answered).toBeGreaterThan(5_000);
  // Both protocols in turn, so half of them each.
  expect(byGrpc / answered).toBeCloseTo(0.5, 1);
});

test('the drift of spring is found, and retraining starts once', () => {
  expect(facts().drift.retrainings).toBe(1);
  const drifted = facts().drift.report?.signals.filter((signal) => signal.significant && signal.material);
  expect(drifted?.map((signal) => signal.statistic)).toContain('calibration-gap');
});

test('the features that were served are those that the lake gives', () => {
  const { outcome, requests, notCovered, features } = facts().features;
  expect(outcome).toBe('same');
  expect(requests - notCovered).toBeGreaterThan(5_000);
  expect(features.map(({ feature }) => feature)).toEqual(expect.arrayContaining(['originDelay', 'routeLate']));
});

test('exactly one version is champion and none is left a challenger', () => {
  const aliases = facts().models.flatMap((version) => version.aliases);
  expect(aliases).toEqual(['champion']);
});

test('the replay says IDENTICAL, and names the object whose byte was changed', () => {
  expect(facts().audit.verdict).toBe('IDENTICAL');
  expect(facts().audit.afterOneByte).toMatch(/^DIFFERENT, evidence\/.*\/histories\/1\.json /);
});
