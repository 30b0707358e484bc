import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitoringActivities } from '../../activities/monitoring/monitoring-activities.ts';
import { createTrafficMeasurements } from '../../activities/release/traffic-measurements.ts';
import type { DriftPolicy, TrainingProfile } from '../../domain/drift-report.ts';
import { type PackageFile, packageFiles } from '../../domain/model-package.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import { writePackage } from '../../stores/packages.ts';
import { writeRoute } from '../../stores/routes.ts';
import { inferencePrefix, labelPrefix } from '../../stores/traffic.ts';
import { putTinyPackage } from '../support/tiny-model.ts';
import { answer, challenger, label, timeOf, trafficRequest, writeTraffic } from './traffic-fixtures.ts';
import { testKey, testTrust } from '../support/test-key.ts';

const policy: DriftPolicy = {
  windowRequests: 40,
  falseDiscoveryRate: 0.05,
  materialPsi: 0.1,
  materialGap: 0.1,
  sustained: 3,
  outOf: 5,
};
const profile: TrainingProfile = {
  rows: 1_000,
  labelShare: 0.5,
  features: {},
  prediction: { kind: 'number', edges: [0.5], counts: [500, 500], missing: 0 },
};

/** A bucket with a champion, its package, and an hour of traffic that a challenger shadows. */
async function endpoint() {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-measure-'));
  const store = createMemoryObjectStore();
  const files = Object.fromEntries(packageFiles.map((name) => [name, join(folder, name)])) as Record<
    PackageFile,
    string
  >;
  for (const path of Object.values(files)) await writeFile(path, JSON.stringify(profile));
  const champion = await writePackage(store, { model: 'flights', modelVersion: '1' }, files, await testKey());
  const change = { endpoint: 'flights', changeId: 'first', shadows: [], who: 'test', why: 'test' };
  const arms = [{ name: 'champion', version: champion, weight: 100 } as const];
  await writeRoute(store, { ...change, arms }, { expectedEpoch: 0, at: timeOf(0), key: await testKey() });
  const rows = Array.from({ length: 40 }, (_, second) => [
    answer(second, { output: second % 2 === 0 ? 0.3 : 0.7 }),
    answer(second, { modelVersion: '2', shadow: true }),
  ]).flat();
  const local = await writeTraffic(
    rows,
    rows.slice(0, 80).map(({ requestId }) => label(requestId, 1, 60)),
  );
  for (const [prefix, paths] of [
    [inferencePrefix('flights'), local.inference],
    [labelPrefix('flights'), local.labels],
  ] as const)
    for (const path of paths) await store.write(`${prefix}dt=2001-03-01/hr=00/a-1.parquet`, await readFile(path));
  const packages = { folder: join(folder, 'packages'), trusted: testTrust };
  return { store, champion, cacheFolder: join(folder, 'cache'), packages };
}

test('the monitor finds champion, package and traffic in the bucket', async () => {
  const deps = await endpoint();
  const request = { endpoint: 'flights', model: 'flights', after: null, policy };
  const report = await monitoringActivities(deps).measureDrift(request);
  expect(report).toMatchObject({
    modelVersion: '1',
    window: { from: timeOf(0), to: timeOf(39), requests: 40, labels: 40 },
    verdict: 'fail',
    reason: 'outcomes come more often than predicted by 50.0 points.',
  });
});

test('an endpoint without a champion of the model is not found', async () => {
  const deps = await endpoint();
  const request = { endpoint: 'flights', model: 'trains', after: null, policy };
  await expect(monitoringActivities(deps).measureDrift(request)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test.each([
  ['regression', { metric: 'logLoss', rule: 'atMost', limit: 1 }],
  ['multiclass', { metric: 'agreement', rule: 'atMost', limit: 0.1 }],
] as const)('what is computed of probabilities is refused for a %s under live traffic', async (task, guardrail) => {
  const { champion, ...deps } = await endpoint();
  const version = await putTinyPackage(deps.store, { model: 'flights', modelVersion: '2' }, { bias: 0, task });
  const { measureShadow, measureCanary } = createTrafficMeasurements(deps);
  const request = { ...trafficRequest, champion, challenger: version, guardrails: [guardrail] };
  for (const measured of [measureShadow(request), measureCanary(request)])
    await expect(measured).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining(`'${guardrail.metric}' is measured`),
      details: { metric: guardrail.metric, task },
    });
});

test('a shadow and a canary are measured from the bucket', async () => {
  const { champion, ...deps } = await endpoint();
  const { measureShadow, measureCanary } = createTrafficMeasurements(deps);
  const request = {
    ...trafficRequest,
    champion,
    challenger,
    guardrails: [{ metric: 'requests', rule: 'atLeast', limit: 1 } as const],
  };
  expect(await measureShadow(request)).toEqual([{ metric: 'requests', value: 40, n: 40, unit: 'rows' }]);
  expect(await measureCanary(request)).toEqual([{ metric: 'requests', value: 0, n: 0, unit: 'rows' }]);
});
