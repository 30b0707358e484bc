import type { Device } from '../../domain/device.ts';
import { CodedError } from '../../domain/errors.ts';
import type { Cost, PriceTable, Usage } from '../../domain/training-record.ts';

const secondsInHour = 3_600;

/**
 * What an attempt cost: its CPU seconds at the price of a core, and its device seconds at the price of the device. Null without prices.
 *
 * @throws CodedError PROJECT_INVALID when the table has no price for the device.
 */
export function costOf(
  prices: PriceTable | null,
  usage: Pick<Usage, 'cpuSeconds' | 'gpuSeconds'>,
  device: Device | null,
): Cost | null {
  if (prices === null) return null;
  const cpu = (usage.cpuSeconds / secondsInHour) * prices.cpuHour;
  const gpu = device === null ? 0 : (usage.gpuSeconds / secondsInHour) * devicePrice(prices, device);
  return { amount: cpu + gpu, currency: prices.currency, prices };
}

/**
 * What an hour of a device costs: by its name, else by `*`. Asked before a training, so that no hours are spent that nobody can price.
 *
 * @throws CodedError PROJECT_INVALID when the table has neither.
 */
export function devicePrice(prices: PriceTable, device: Pick<Device, 'name'>): number {
  const price = prices.gpuHour[device.name] ?? prices.gpuHour['*'];
  if (price !== undefined) return price;
  throw new CodedError(
    'PROJECT_INVALID',
    `prices.json has no price for the device '${device.name}'. Add gpuHour['${device.name}'], or gpuHour['*'] for every other device.`,
    { details: { device: device.name } },
  );
}
