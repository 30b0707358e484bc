import type { Device, GpuWorker } from '../../../domain/device.ts';
import { placementOf } from '../../../activities/training/place-training.ts';

const now = '2026-03-01T12:00:00.000Z';
const device = (memoryMiB: number, freeMiB = memoryMiB): Device => ({
  uuid: `GPU-${memoryMiB}`,
  index: 0,
  name: 'A',
  memoryMiB,
  freeMiB,
  driver: '550',
});
const worker = (name: string, devices: readonly Device[], seenAt = now): GpuWorker => ({
  worker: name,
  devices,
  startedAt: now,
  seenAt,
  beatMs: 10_000,
});
const wants = (memoryMiB: number, orCpu = false) => ({ memoryMiB, orCpu });

test('without a worker a training waits, and says for what', () => {
  expect(placementOf(wants(8_000), [], now)).toEqual({ to: 'wait', why: 'No worker polls the queue gpu.' });
});

test('where the CPU is allowed it does not wait', () => {
  expect(placementOf(wants(8_000, true), [], now)).toEqual({
    to: 'data',
    why: 'No worker polls the queue gpu. The training runs on the CPU.',
  });
});

test('a worker that missed three beats is gone', () => {
  const seen = (seenAt: string) => placementOf(wants(1), [worker('a', [device(2)], seenAt)], now).to;
  expect(seen('2026-03-01T11:59:30.000Z')).toBe('gpu');
  expect(seen('2026-03-01T11:59:29.999Z')).toBe('wait');
});

test('a device that is too small is told with both sizes', () => {
  expect(placementOf(wants(8_000), [worker('a', [device(3_000), device(2_000)])], now)).toEqual({
    to: 'wait',
    why: 'The largest device has 3,000 MiB, 8,000 MiB are asked for.',
  });
});

test('a device that is large enough but in use is waited for', () => {
  expect(placementOf(wants(8_000), [worker('a', [device(40_960, 512)])], now)).toEqual({
    to: 'wait',
    why: 'The devices are in use: 512 MiB are free at most, 8,000 MiB are asked for.',
  });
});

test('of several devices the one with the least that suffices is named', () => {
  const workers = [worker('large', [device(80_000)]), worker('fitting', [device(4_000), device(16_000)])];
  expect(placementOf(wants(8_000), workers, now)).toEqual({
    to: 'gpu',
    why: 'A of fitting has 16,000 MiB free, 8,000 MiB are asked for.',
  });
});

test('a worker without devices does not count as one', () => {
  expect(placementOf(wants(1), [worker('bare', [])], now).why).toBe(
    'No worker that polls the queue gpu has a device: bare.',
  );
});
