import { CodedError } from '../../domain/errors.ts';
import type { LagWindow, LoopLag } from './loop-lag.ts';

/** Turns new requests away while the event loop cannot keep up, so that those under way end in time. */
export type LoopGuard = {
  /** @throws CodedError OVERLOADED with `retryAfterMs` while the guard is up. */
  enter(): void;
  /** Whether requests are turned away now. */
  up(): boolean;
};

export type LoopGuardOptions = {
  readonly lag: LoopLag;
  /** The bound of the lag's p99; 200 ms unless given. */
  readonly boundMs?: number;
  /** Called for each request that was turned away. */
  readonly onRefused: () => void;
};

const defaultBoundMs = 200;
const retryAfterMs = 1_000;

/** A guard over the lag of each last second. */
export function createLoopGuard({ lag, boundMs = defaultBoundMs, onRefused }: LoopGuardOptions): LoopGuard {
  let up = false;
  lag.onWindow((window) => {
    up = overloaded(up, window, boundMs);
  });
  return {
    enter() {
      if (!up) return;
      onRefused();
      throw new CodedError(
        'OVERLOADED',
        `The model server's event loop is more than ${boundMs} ms behind. Send again in ${retryAfterMs} ms, or add capacity.`,
        { details: { retryAfterMs } },
      );
    },
    up: () => up,
  };
}

/**
 * Up when the p99 of the last second is above the bound and the mean above a quarter of it: one long turn alone (a package that is loaded, a
 * collection of garbage) moves the p99 of its second, but is over before anybody could be turned away to a good end; a loop that
 * cannot keep up has long turns only. Down when the p99 falls below half of the bound.
 */
export function overloaded(before: boolean, { p99Ms, meanMs }: LagWindow, boundMs: number): boolean {
  if (before) return p99Ms >= boundMs / 2;
  return p99Ms > boundMs && meanMs > boundMs / 4;
}
