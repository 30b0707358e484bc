import type { DeviceRequest, GpuWorker, Placement } from '../../domain/device.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { readGpuWorkers } from '../../stores/gpu-workers.ts';

/** A worker that missed so many beats is gone. */
const missedBeats = 3;
/** Registrations that are older are of no worker that could still beat. */
const forgottenMs = 3_600_000;

/** Where a training that asks for a device can go now, by what the workers with devices last said. Reads only. */
export async function placeTraining(
  dependencies: { readonly store: ObjectStore; readonly now: () => string },
  request: { readonly device: DeviceRequest },
): Promise<Placement> {
  const now = dependencies.now();
  const since = new Date(Date.parse(now) - forgottenMs).toISOString();
  return placementOf(request.device, await readGpuWorkers(dependencies.store, { since }), now);
}

/**
 * The device with the least free memory that suffices. What is missing is said in words, because a run shows them while it waits; where
 * the CPU is allowed a training does not wait.
 */
export function placementOf(request: DeviceRequest, workers: readonly GpuWorker[], now: string): Placement {
  const living = workers.filter((worker) => Date.parse(now) - Date.parse(worker.seenAt) <= missedBeats * worker.beatMs);
  const devices = living.flatMap((worker) => worker.devices.map((device) => ({ device, worker: worker.worker })));
  const [best] = devices
    .filter(({ device }) => device.freeMiB >= request.memoryMiB)
    .toSorted((a, b) => a.device.freeMiB - b.device.freeMiB || (a.worker < b.worker ? -1 : 1));
  if (best !== undefined)
    return {
      to: 'gpu',
      why: `${best.device.name} of ${best.worker} has ${mib(best.device.freeMiB)} free, ${mib(request.memoryMiB)} are asked for.`,
    };
  const missing = whatIsMissing(
    request,
    living,
    devices.map(({ device }) => device),
  );
  return request.orCpu ? { to: 'data', why: `${missing} The training runs on the CPU.` } : { to: 'wait', why: missing };
}

function whatIsMissing(
  { memoryMiB }: DeviceRequest,
  living: readonly GpuWorker[],
  devices: GpuWorker['devices'],
): string {
  if (living.length === 0) return 'No worker polls the queue gpu.';
  if (devices.length === 0) return `No worker that polls the queue gpu has a device: ${names(living)}.`;
  const largest = Math.max(...devices.map((device) => device.memoryMiB));
  if (largest < memoryMiB) return `The largest device has ${mib(largest)}, ${mib(memoryMiB)} are asked for.`;
  const free = Math.max(...devices.map((device) => device.freeMiB));
  return `The devices are in use: ${mib(free)} are free at most, ${mib(memoryMiB)} are asked for.`;
}

function names(workers: readonly GpuWorker[]): string {
  return workers.map(({ worker }) => worker).join(', ');
}

/** Grouped by hand: the words are recorded, and a machine's language must not change them. */
function mib(value: number): string {
  return `${String(Math.floor(value)).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')} MiB`;
}
