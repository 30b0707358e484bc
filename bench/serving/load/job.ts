import type { BenchRequest } from '../requests.ts';

/** What a load generator is told to do, in a process of its own. */
export type LoadJob = {
  readonly port: number;
  readonly request: BenchRequest;
  /** HTTP connections or gRPC channels; each has one request under way at a time. */
  readonly connections: number;
  /** `closed`: the next request follows the answer. `open`: requests leave at a fixed rate, whatever the answers do. */
  readonly loop: { readonly kind: 'closed' } | { readonly kind: 'open'; readonly perSecond: number };
  readonly seconds: number;
  /** Ids go on from here, so that no two requests of a bench have the same. */
  readonly firstId: number;
};

/** Latencies in milliseconds; in an open loop they count from when a request was due, so that one that had to wait is seen to (coordinated omission). */
export type LoadResult = {
  readonly requests: number;
  readonly failed: number;
  readonly firstFailure: string | null;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/** One connection: sends the request under an id and resolves with its answer; rejects where that is no 200 (HTTP) or OK (gRPC). */
export type Connection = { send(id: string): Promise<void>; close(): void };
