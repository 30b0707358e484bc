import type { Batching, ModelPlan } from './model-plan.ts';
import { fastestThreads, type Timings } from './time-model.ts';

/** A model of which a row takes this long blocks other requests for longer than crossing into another process costs. */
export const hostFromMs = 1;

const mostRows = 4_096;
/** How long one run may block its process: an answering process has other requests to parse. */
const runAtMostMs = { answering: 10, host: 250 } as const;
/** A row of a shared run must take at most this part of a row alone, or sharing is not worth what it costs. */
const worthSharing = 0.7;
/** Of batch sizes that are about as fast a row, the smallest is taken: its callers wait less. */
const asFast = 1.1;
const waitAtMostMs = 2;
/** Timers are of whole milliseconds: a model must take at least twice that for waiting to be under half a row's time. */
const waitFromMs = 2;

/**
 * Decides from measurements how a package is run. Pure: the same timings give the same plan.
 *
 * `memoryLimitBytes`: what one process may take; a run gets at most half of what is left beside the loaded package.
 */
export function decidePlan(timings: Timings, options: { readonly memoryLimitBytes: number }): ModelPlan {
  const single = timings.threads[0]?.rowMs ?? 0;
  const placement = timings.provider === 'cuda' || single >= hostFromMs ? 'host' : 'answering';
  const threads = placement === 'host' ? fastestThreads(timings.threads) : 1;
  const largest = timings.batches.at(-1) ?? { rows: 1, ms: single };
  const maxRows = Math.max(
    1,
    Math.min(
      mostRows,
      rowsInMemory(timings, largest.rows, options.memoryLimitBytes),
      Math.floor(runAtMostMs[placement] / Math.max(largest.ms / largest.rows, 1e-6)),
    ),
  );
  return {
    placement,
    provider: timings.provider,
    threads,
    batching: batchingOf(timings, placement, maxRows),
    maxRows,
    measured: {
      loadMs: timings.loadMs,
      rowMs: timings.batches[0]?.ms ?? single,
      batchRows: largest.rows,
      batchMs: largest.ms,
      memoryBytes: timings.batchBytes,
    },
  };
}

/** Milliseconds a row of the fastest batch: what providers are compared by. */
export function fastestRowMs({ batches }: Timings): number {
  return Math.min(...batches.map(({ rows, ms }) => ms / rows));
}

function batchingOf(timings: Timings, placement: ModelPlan['placement'], maxRows: number): Batching | null {
  const { batches, together } = timings;
  const rowMs = batches[0]?.ms ?? 0;
  const sizes = batches.filter(({ rows }) => rows > 1 && rows <= maxRows);
  const best = Math.min(...sizes.map(({ rows, ms }) => ms / rows));
  const chosen = sizes.find(({ rows, ms }) => ms / rows <= best * asFast);
  if (chosen === undefined || best > rowMs * worthSharing) return null;
  // In an answering process the cost of sharing itself weighs: a fast model takes hardly longer than a turn of the event loop.
  if (placement === 'answering' && together.sharedMs > together.aloneMs * worthSharing) return null;
  const waits = placement === 'host' && rowMs > waitFromMs;
  return { rows: chosen.rows, waitMs: waits ? Math.min(waitAtMostMs, Math.floor(rowMs / 2)) : 0 };
}

function rowsInMemory({ rowBytes, batchBytes }: Timings, batchRows: number, limitBytes: number): number {
  const rowGrows = (batchBytes - rowBytes) / Math.max(1, batchRows - 1);
  const left = Math.max(0, limitBytes - rowBytes) / 2;
  return rowGrows <= 0 ? mostRows : Math.floor(left / rowGrows);
}
