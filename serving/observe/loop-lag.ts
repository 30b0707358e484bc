/** How late the turns of this process's event loop came in one window, milliseconds. */
export type LagWindow = { readonly p99Ms: number; readonly meanMs: number; readonly maxMs: number };

/** Watches the event loop of this process. It owns a timer: close it. */
export type LoopLag = {
  /** The last whole window. */
  last(): LagWindow;
  /** The longest lag since the last call of this, milliseconds. */
  takeMaxMs(): number;
  /** Calls with each window as it ends. */
  onWindow(listener: (window: LagWindow) => void): void;
  close(): void;
};

export type LoopLagOptions = { readonly windowMs?: number };

const tickMs = 20;
const defaultWindowMs = 1_000;

/**
 * Starts to watch: a timer of 20 ms, whose lateness is the lag, summed up once a window of a second (`windowMs`). Node's own
 * `monitorEventLoopDelay` forgets, when it is reset for the next window, the turn that lasts over the end of the last one: the long ones above all.
 */
export function watchLoopLag({ windowMs = defaultWindowMs }: LoopLagOptions = {}): LoopLag {
  const listeners: ((window: LagWindow) => void)[] = [];
  let last: LagWindow = { p99Ms: 0, meanMs: 0, maxMs: 0 };
  let maxMs = 0;
  let lags: number[] = [];
  let tickedAt = performance.now();
  let windowEndsAt = tickedAt + windowMs;
  const timer = setInterval(() => {
    const now = performance.now();
    const lag = Math.max(0, now - tickedAt - tickMs);
    tickedAt = now;
    lags.push(lag);
    if (lag > maxMs) maxMs = lag;
    if (now < windowEndsAt) return;
    last = windowOf(lags);
    lags = [];
    windowEndsAt = now + windowMs;
    for (const listener of listeners) listener(last);
  }, tickMs).unref();
  return {
    last: () => last,
    takeMaxMs() {
      const taken = maxMs;
      maxMs = 0;
      return taken;
    },
    onWindow: (listener) => void listeners.push(listener),
    close: () => clearInterval(timer),
  };
}

/** p99 by the nearest rank. */
function windowOf(lags: readonly number[]): LagWindow {
  const sorted = lags.toSorted((one, other) => one - other);
  const meanMs = sorted.reduce((sum, lag) => sum + lag, 0) / sorted.length;
  return { p99Ms: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0, meanMs, maxMs: sorted.at(-1) ?? 0 };
}
