import type { HoldDevice } from '../activities/training/devices.ts';
import type { Device } from '../domain/device.ts';
import type { Queue } from '../domain/config.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { readDevices } from '../training/devices.ts';
import { deviceHolder } from './gpu-devices.ts';
import { type GpuRegistration, registerGpuWorker } from './gpu-registration.ts';

/** What a worker process has of devices: how its trainings take one, and how it becomes known to those that place them. */
export type WorkerDevices = {
  readonly holdDevice: HoldDevice;
  /** Null: it does not poll the queue `gpu`, so nobody sends it what needs a device. */
  register(store: ObjectStore): Promise<GpuRegistration | null>;
};

export type WorkerDevicesOptions = {
  readonly queues: readonly Queue[];
  /** Shared by all worker processes of the machine. */
  readonly cacheFolder: string;
};

/** The devices of this machine for a worker that polls the queue `gpu`; none for any other, so that it leaves them to that one. */
export function workerDevices({ queues, cacheFolder }: WorkerDevicesOptions): WorkerDevices {
  const polls = queues.includes('gpu');
  const devices = polls ? () => readDevices({ onProblem }) : noDevices;
  return {
    holdDevice: deviceHolder({
      locksFolder: join(cacheFolder, 'devices'),
      devices,
      clock: () => performance.now(),
    }),
    async register(store) {
      if (!polls) return null;
      const worker = `${hostname().replaceAll(/[^\w.-]/g, '-')}-${process.pid}`;
      return registerGpuWorker(store, { worker, devices, now: () => new Date().toISOString(), onProblem });
    },
  };
}

function noDevices(): Promise<readonly Device[]> {
  return Promise.resolve([]);
}

/** Goes to the worker's log. */
function onProblem(text: string): void {
  console.error(text);
}
