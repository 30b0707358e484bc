import { costOf, devicePrice } from '../../../activities/training/cost.ts';
import { CodedError } from '../../../domain/errors.ts';

const prices = { currency: 'EUR', cpuHour: 0.036, gpuHour: { 'NVIDIA H200': 3.6, '*': 1.8 } };
const device = { uuid: 'GPU-1', index: 0, name: 'NVIDIA H200', memoryMiB: 1, freeMiB: 1, driver: '1' };

test('CPU seconds and device seconds are priced by the hour', () => {
  // 1,000 s at 0.036 an hour are 0.01; 10 s at 3.6 an hour are 0.01.
  const cost = costOf(prices, { cpuSeconds: 1_000, gpuSeconds: 10 }, device);
  expect(cost?.amount).toBeCloseTo(0.02, 12);
  expect(cost).toMatchObject({ currency: 'EUR', prices });
});

test('a device without a price of its own has that of every other', () => {
  expect(devicePrice(prices, { name: 'other' })).toBe(1.8);
});

test('a device that nobody priced is named', () => {
  expect(() => devicePrice({ ...prices, gpuHour: {} }, device)).toThrow(CodedError);
  expect(() => devicePrice({ ...prices, gpuHour: {} }, device)).toThrow(/NVIDIA H200/);
});

test('without prices nothing has a cost', () => {
  expect(costOf(null, { cpuSeconds: 1, gpuSeconds: 1 }, device)).toBeNull();
});
