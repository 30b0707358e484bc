import type { Device, GpuWorker } from '../domain/device.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { writeGpuWorker } from '../stores/gpu-workers.ts';

/** A worker that says every ten seconds that it lives and what its devices have free. */
export type GpuRegistration = {
  /** Ends the beats; the worker counts as gone at once, not after three missed beats. */
  stop(): Promise<void>;
};

export type GpuRegistrationOptions = {
  /** Stays the same while the process lives, and names no other: `host-pid`. */
  readonly worker: string;
  readonly devices: () => Promise<readonly Device[]>;
  readonly now: () => string;
  readonly onProblem: (text: string) => void;
  readonly beatMs?: number;
};

const defaultBeatMs = 10_000;

/**
 * Registers a worker that polls the queue `gpu` and goes on to say that it lives. The first word must go through; a later one that does not
 * is told and tried again with the next beat, because an outage of the bucket is no reason to end a training.
 *
 * @throws CodedError SERVICE_UNAVAILABLE when the bucket does not answer at the start.
 */
export async function registerGpuWorker(store: ObjectStore, options: GpuRegistrationOptions): Promise<GpuRegistration> {
  const { worker, now, onProblem, beatMs = defaultBeatMs } = options;
  const startedAt = now();
  const seen = async (): Promise<GpuWorker> => ({
    worker,
    devices: await options.devices(),
    startedAt,
    seenAt: now(),
    beatMs,
  });
  await writeGpuWorker(store, await seen());

  const ended = new AbortController();
  const beats = (async () => {
    while (await slept(beatMs, ended.signal)) {
      try {
        await writeGpuWorker(store, await seen());
      } catch (error) {
        onProblem(`The worker ${worker} could not say that it lives: ${String(error)}`);
      }
    }
  })();
  return {
    async stop() {
      ended.abort();
      await beats;
      try {
        await writeGpuWorker(store, { worker, devices: [], startedAt, seenAt: startedAt, beatMs: 0 });
      } catch (error) {
        onProblem(`The worker ${worker} could not say that it ends: ${String(error)}`);
      }
    },
  };
}

/** False: ended while it slept. */
async function slept(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
