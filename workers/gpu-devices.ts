import type { HeldDevice, HoldDevice } from '../activities/training/devices.ts';
import type { Device, DeviceRequest } from '../domain/device.ts';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CodedError } from '../domain/errors.ts';
import { type Lock, tryLock } from '../services/lock.ts';

export type DeviceHolding = {
  /** One folder for all processes of the machine: that is where they see each other. */
  readonly locksFolder: string;
  readonly devices: () => Promise<readonly Device[]>;
  /** Milliseconds that only go up. */
  readonly clock: () => number;
};

/** Between two looks for a free device. */
const lookAgainMs = 2_000;

/** Holds devices by lock files, each named for a device: the lock of a process that died is taken over, however it died. */
export function deviceHolder(holding: DeviceHolding): HoldDevice {
  return async (request, options) => {
    let told = '';
    for (;;) {
      options.signal.throwIfAborted();
      const devices = await holding.devices();
      const held = tryDevices(holding, devices, request);
      if (held !== null) return held;
      if (request.orCpu) return onCpu;
      const why = whatIsMissing(devices, request);
      if (why !== told) options.onWait(why);
      told = why;
      await pause(lookAgainMs, undefined, { signal: options.signal });
    }
  };
}

const onCpu: HeldDevice = { device: null, heldSeconds: () => 0, release: () => undefined };

/** The smallest that suffices, so that a larger one is left to whoever needs it. */
function tryDevices(holding: DeviceHolding, devices: readonly Device[], request: DeviceRequest): HeldDevice | null {
  const fitting = devices
    .filter((device) => device.freeMiB >= request.memoryMiB)
    .toSorted((a, b) => a.freeMiB - b.freeMiB || a.index - b.index);
  for (const device of fitting) {
    const taken = tryLock(lockFile(holding.locksFolder, device));
    if ('lock' in taken) return heldDevice(device, taken.lock, holding.clock);
  }
  return null;
}

function heldDevice(device: Device, lock: Lock, clock: () => number): HeldDevice {
  const since = clock();
  let until: number | null = null;
  return {
    device,
    heldSeconds: () => ((until ?? clock()) - since) / 1_000,
    release() {
      if (until !== null) return;
      until = clock();
      lock.release();
    },
  };
}

/** @throws CodedError TRAINING_INTERRUPTED when waiting here would be for ever. */
function whatIsMissing(devices: readonly Device[], { memoryMiB }: DeviceRequest): string {
  const largest = Math.max(0, ...devices.map((device) => device.memoryMiB));
  if (largest >= memoryMiB) return `All devices of this machine with ${memoryMiB} MiB are in use.`;
  throw new CodedError(
    'TRAINING_INTERRUPTED',
    `${largestText(devices.length, largest)}, ${memoryMiB} MiB are asked for. It is tried again, on another worker where there is one.`,
  );
}

function largestText(count: number, largest: number): string {
  return count === 0 ? 'This machine has no device' : `The largest device of this machine has ${largest} MiB`;
}

/** A UUID is a file's name as it is; what a driver tells need not be one. */
function lockFile(folder: string, { uuid }: Device): string {
  const name = /^[\w-]+$/.test(uuid) ? uuid : createHash('sha256').update(uuid).digest('hex');
  return join(folder, `${name}.lock`);
}
