import type { Device, DeviceRequest } from '../../domain/device.ts';

/** What an attempt trains on; it owns the device until it is released. */
export type HeldDevice = {
  /** Null: the CPU, because no device is free here and the request allows it. */
  readonly device: Device | null;
  /** Device time so far, or until the release; 0 without a device. */
  heldSeconds(): number;
  /** Gives the device back; a second call does nothing. */
  release(): void;
};

/**
 * Takes a device of this machine for one attempt and waits until one is free: of all processes of the machine only one has it.
 *
 * @throws CodedError TRAINING_INTERRUPTED (retryable: another machine may take it) when no device here is large enough and the CPU is not
 * allowed; the signal's reason when it was aborted.
 */
export type HoldDevice = (
  request: DeviceRequest,
  options: { readonly signal: AbortSignal; readonly onWait: (text: string) => void },
) => Promise<HeldDevice>;
