import { idPlace } from '../requests.ts';
import { grpcConnection } from './grpc-connection.ts';
import { httpConnection } from './http-connection.ts';
import type { Connection, LoadJob, LoadResult } from './job.ts';

type Seen = { readonly latenciesMs: number[]; failed: number; firstFailure: string | null; nextId: number };

/** Puts load on a server for so many seconds and says what became of it. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const { request, port } = job;
  const connections = await Promise.all(
    Array.from({ length: job.connections }, () =>
      request.protocol === 'http' ? httpConnection(port, request) : grpcConnection(port, request),
    ),
  );
  const seen: Seen = { latenciesMs: [], failed: 0, firstFailure: null, nextId: job.firstId };
  const began = performance.now();
  if (job.loop.kind === 'closed') await closedLoop(connections, seen, began + job.seconds * 1_000);
  else await openLoop(connections, seen, { began, perSecond: job.loop.perSecond, seconds: job.seconds });
  const seconds = (performance.now() - began) / 1_000;
  for (const connection of connections) connection.close();
  return { ...shares(seen.latenciesMs), failed: seen.failed, firstFailure: seen.firstFailure, seconds };
}

async function closedLoop(connections: readonly Connection[], seen: Seen, endMs: number): Promise<void> {
  const one = async (connection: Connection): Promise<void> => {
    while (performance.now() < endMs && seen.failed === 0) await timed(connection, seen, performance.now());
  };
  await Promise.all(connections.map(one));
}

/** A request leaves when it is due, on a connection that is free; where none is, it waits, and its latency counts that. */
async function openLoop(
  connections: readonly Connection[],
  seen: Seen,
  plan: { readonly began: number; readonly perSecond: number; readonly seconds: number },
): Promise<void> {
  const total = Math.floor(plan.perSecond * plan.seconds);
  const due = (place: number): number => plan.began + (place * 1_000) / plan.perSecond;
  let next = 0;
  const one = async (connection: Connection): Promise<void> => {
    while (next < total && seen.failed === 0) {
      const at = due(next++);
      const early = at - performance.now();
      if (early > 0) await new Promise((done) => setTimeout(done, early));
      // A timer of Node rounds up to whole milliseconds: the wait that it adds is the client's, not the server's.
      await timed(connection, seen, early > 0 ? performance.now() : at);
    }
  };
  await Promise.all(connections.map(one));
}

async function timed(connection: Connection, seen: Seen, fromMs: number): Promise<void> {
  const id = `bench-${String(seen.nextId++).padStart(idPlace.length - 6, '0')}`;
  try {
    await connection.send(id);
    seen.latenciesMs.push(performance.now() - fromMs);
  } catch (error) {
    seen.failed += 1;
    seen.firstFailure ??= String(error);
  }
}

function shares(latenciesMs: readonly number[]): Pick<LoadResult, 'requests' | 'p50Ms' | 'p95Ms' | 'p99Ms' | 'maxMs'> {
  const sorted = Float64Array.from(latenciesMs).sort();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { requests: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}
