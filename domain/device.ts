/** A GPU of a worker machine, as its driver names it. */
export type Device = {
  /** Stays the same over restarts and orders of enumeration. */
  readonly uuid: string;
  readonly index: number;
  readonly name: string;
  readonly memoryMiB: number;
  readonly freeMiB: number;
  readonly driver: string;
};

/** What a training wants of a GPU worker. Without one it waits, or runs on the CPU where `orCpu` is true. */
export type DeviceRequest = { readonly memoryMiB: number; readonly orCpu: boolean };

/** `workers/gpu/<worker>.json`: a machine that polls the queue `gpu`; written at its start and every `beatMs` while it lives. */
export type GpuWorker = {
  readonly worker: string;
  readonly devices: readonly Device[];
  readonly startedAt: string;
  readonly seenAt: string;
  readonly beatMs: number;
};

/** Where a training goes, and why; `wait`: nowhere yet. */
export type Placement =
  | { readonly to: 'gpu'; readonly why: string }
  | { readonly to: 'data'; readonly why: string }
  | { readonly to: 'wait'; readonly why: string };
