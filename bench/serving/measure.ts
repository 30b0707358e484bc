import { availableParallelism } from 'node:os';
import type { ModelServerProcess } from '../../serving/start-process.ts';
import { cpuTimeOf } from './cpu-time.ts';
import type { FloorProcess } from './floors/floor-process.ts';
import type { LoadJob, LoadResult } from './load/job.ts';
import type { LoadProcess } from './load/load-process.ts';
import type { Side } from './sides.ts';

/** What one side did in one round. `cpuMs` is a request's share of all processes' CPU time, until its row is in the bucket. */
export type SideRound = LoadResult & {
  readonly cpuMs: number;
  /** Of that, the control process's, which brings the log to the bucket. */
  readonly controlMs: number;
  /** Of all cores' time while the load ran, what the server took. */
  readonly machineShare: number;
};

/** Rounds of all sides and floors, by the side's name. */
export type Rounds = ReadonlyMap<string, readonly SideRound[]>;

/** Where requests go, and whose CPU time counts. */
export type Target = { readonly pid: number; readonly port: number; settled(): Promise<void> };

/** The port of the side's protocol. */
export function serverTarget(server: ModelServerProcess, at: Side['at'], settled: () => Promise<void>): Target {
  const port = Number(at === 'http' ? new URL(server.url).port : server.grpcUrl.split(':').at(-1));
  return { pid: server.pid, port, settled };
}

export function floorTarget({ pid, port }: FloorProcess): Target {
  return { pid, port, settled: () => Promise.resolve() };
}

/** Puts load on a target and measures what it cost. @throws Error when a request failed: then the figures say nothing. */
export async function measureSide(
  load: LoadProcess,
  target: Target,
  side: Side,
  how: Pick<LoadJob, 'loop' | 'seconds' | 'connections'>,
): Promise<SideRound> {
  const before = cpuTimeOf(target.pid);
  const result = await load.run({ port: target.port, request: side.request, ...how });
  const during = cpuTimeOf(target.pid);
  if (result.failed > 0) {
    throw new Error(`${side.name}: ${result.failed} requests failed, the first with: ${result.firstFailure ?? ''}`);
  }
  await target.settled();
  const after = cpuTimeOf(target.pid);
  return {
    ...result,
    cpuMs: (after.totalMs - before.totalMs) / result.requests,
    controlMs: (after.rootMs - before.rootMs) / result.requests,
    machineShare: (during.totalMs - before.totalMs) / (result.seconds * 1_000 * availableParallelism()),
  };
}
