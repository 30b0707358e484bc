import { rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  measurePerformance,
  type PerformanceMetric,
  performanceMetrics,
} from '../../../activities/evaluation/measure-performance.ts';
import { type TinyModel, tinyPackageFiles } from '../../support/tiny-model.ts';

const record = { date: '2001-01-01T10:00:00Z', distance: 1_000, origin: 'ORD' };
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

async function measure(
  metrics: readonly PerformanceMetric[],
  model: TinyModel,
  parts: { readonly origin?: string; readonly count?: number; readonly signal?: AbortSignal } = {},
) {
  const packageFolder = dirname((await tinyPackageFiles(model))['model.onnx']);
  folders.push(packageFolder);
  const input = { record: { ...record, origin: parts.origin ?? 'ORD' }, past: {} };
  const sample = (count: number) => Promise.resolve(Array.from({ length: parts.count ?? count }, () => input));
  const signal = parts.signal ?? new AbortController().signal;
  return {
    measured: await measurePerformance(metrics, { packageFolder, sample, signal, mostMs: 2_000 }),
    packageFolder,
  };
}

test('a packed model is measured in fresh processes, each metric in its unit', async () => {
  const { measured, packageFolder } = await measure(performanceMetrics, { bias: 0 });
  const value = (metric: PerformanceMetric) => measured.get(metric)?.value ?? Number.NaN;
  expect([...measured.values()].map(({ metric, unit, n }) => [metric, unit, n])).toEqual([
    ['latencyP50', 'ms', 2_000],
    ['latencyP95', 'ms', 2_000],
    ['latencyP99', 'ms', 2_000],
    ['throughput', 'rows/s', expect.any(Number)],
    ['coldStart', 'ms', 3],
    ['residentMemory', 'bytes', 1],
    ['fileSize', 'bytes', 1],
  ]);
  expect(value('latencyP50')).toBeGreaterThan(0);
  expect(value('latencyP95')).toBeGreaterThanOrEqual(value('latencyP50'));
  expect(value('latencyP99')).toBeGreaterThanOrEqual(value('latencyP95'));
  expect(value('throughput')).toBeGreaterThan(1_000 / value('latencyP95'));
  // A process of Node with onnxruntime in it: some tens of MiB and of milliseconds at least, and by far not a GiB or a minute.
  expect(value('residentMemory')).toBeGreaterThan(20 * 1024 ** 2);
  expect(value('residentMemory')).toBeLessThan(1024 ** 3);
  expect(value('coldStart')).toBeGreaterThan(20);
  expect(value('coldStart')).toBeLessThan(60_000);
  expect(value('fileSize')).toBe((await stat(`${packageFolder}/model.onnx`)).size);
}, 120_000);

test('a slow feature function is seen in the latency, and fewer answers are timed', async () => {
  const { measured } = await measure(['latencyP50'], { bias: 0, spinMs: 20 });
  const { value, n } = measured.get('latencyP50') ?? {};
  // It spins by a clock of whole milliseconds.
  expect(value).toBeGreaterThanOrEqual(19);
  expect(n).toBeGreaterThan(5);
  expect(n).toBeLessThan(101);
}, 120_000);

test('the size of the file alone starts no process and needs no record', async () => {
  const { measured } = await measure(['fileSize'], { bias: 0 }, { count: 0 });
  expect([...measured.keys()]).toEqual(['fileSize']);
});

test('without a record nothing is measured, and that is no value', async () => {
  const { measured } = await measure(['latencyP99', 'coldStart'], { bias: 0 }, { count: 0 });
  expect([...measured.values()]).toEqual([
    { metric: 'latencyP99', value: null, n: 0, unit: 'ms' },
    { metric: 'coldStart', value: null, n: 0, unit: 'ms' },
  ]);
});

test('what the model throws in its process is thrown here', async () => {
  await expect(measure(['throughput'], { bias: 0 }, { origin: 'BOOM' })).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    message: expect.stringContaining('no such airport'),
  });
}, 60_000);

test('a measurement that is cancelled ends its process', async () => {
  const cancel = new AbortController();
  const timer = setTimeout(() => cancel.abort(new Error('cancelled')), 300);
  const began = performance.now();
  await expect(measure(['latencyP50'], { bias: 0, spinMs: 100 }, { signal: cancel.signal })).rejects.toThrow(
    'cancelled',
  );
  clearTimeout(timer);
  expect(performance.now() - began).toBeLessThan(5_000);
}, 60_000);
