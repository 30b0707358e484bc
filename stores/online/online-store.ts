/** One event of an aggregate's past. `view` and `key` say whose it is; `id` tells events of the same moment apart, so that writing one twice is writing it once. */
export type OnlineEvent = {
  readonly view: string;
  readonly key: string;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly id: string;
  readonly value: number;
};

/** The events of one key with `from <= time < before`, epoch milliseconds. */
export type OnlineWindow = {
  readonly view: string;
  readonly key: string;
  readonly from: number;
  readonly before: number;
};

/**
 * The port to the store of recent events that model servers read at request time. Methods throw CodedError SERVICE_UNAVAILABLE when the
 * store does not answer, DISK_FULL when it cannot grow, INPUT_INVALID for an event without a finite time or an id of 1 to 256 bytes.
 */
export interface OnlineStore {
  /** Adds events; returns when they are durable. Idempotent by view, key, time and id. */
  write(events: readonly OnlineEvent[]): Promise<void>;
  /** The values of each window in order of time, then id. */
  read(windows: readonly OnlineWindow[]): Promise<readonly (readonly number[])[]>;
  /** Forgets events of a view before a moment; returns how many. */
  forget(view: string, options: { readonly before: number }): Promise<number>;
  close(): Promise<void>;
}
