import { availableParallelism, cpus, totalmem } from 'node:os';

import type { Device } from '../../domain/device.ts';
import type { Hardware } from '../../domain/training-record.ts';

const bytesInMiB = 1_048_576;

/** What this machine trains on. In a container the memory is what the container may use. */
export function hardwareOf(devices: readonly Device[]): Hardware {
  // 0: the system does not tell of a limit; without one it tells a number larger than any machine's memory.
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return {
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryMiB: Math.round(Math.min(limit, totalmem()) / bytesInMiB),
    devices,
  };
}
