import { setTimeout as wait } from 'node:timers/promises';

import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { readServerReports, type ServerReport } from '../../stores/server-reports.ts';

/** A route or a policy that was written. */
export type Announced = { readonly what: 'route' | 'policy'; readonly endpoint: string; readonly epoch: number };

/** `servers`: those that live. `behind`: a sentence for each that does not have it in force. */
export type Reached = { readonly servers: number; readonly behind: readonly string[] };

export type AnnounceOptions = {
  readonly store: ObjectStore;
  readonly now: () => string;
  readonly atMostMs: number;
  readonly signal?: AbortSignal;
};

const pollEveryMs = 100;
const hintAtMostMs = 1_000;

/**
 * Tells all live model servers to ask the bucket now, and waits until each has the change in force, has reported why not, or the time is over.
 * A server that is behind catches up by itself, so that nothing fails here; without a server nothing is waited for.
 *
 * @throws CodedError SERVICE_UNAVAILABLE when the bucket does not answer; AbortError.
 */
export async function announce(change: Announced, options: AnnounceOptions): Promise<Reached> {
  const { store, now, atMostMs, signal } = options;
  const end = performance.now() + atMostMs;
  const first = await readServerReports(store, now());
  const heard = new Map(first.map(({ replica, at }) => [replica, at]));
  await Promise.all(first.map(({ adminUrl }) => hint(adminUrl)));
  for (let reports = first; ; reports = await readServerReports(store, now())) {
    const behind = reports.filter((report) => !hasReached(change, report));
    const open = behind.filter(
      (report) => problemOf(change, report) === null || report.at === heard.get(report.replica),
    );
    if (open.length === 0 || performance.now() + pollEveryMs > end)
      return { servers: reports.length, behind: behind.map((report) => sentence(change, report)) };
    await wait(pollEveryMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** A hint that is lost costs half a second: servers look at the bucket by themselves. */
async function hint(adminUrl: string): Promise<void> {
  try {
    const signal = AbortSignal.timeout(hintAtMostMs);
    const answer = await fetch(new URL('/hint', adminUrl), { method: 'POST', redirect: 'error', signal });
    await answer.body?.cancel();
  } catch {
    // Its admin port is for its own machine by default, so that this is no surprise from another one.
  }
}

function hasReached({ what, endpoint, epoch }: Announced, report: ServerReport): boolean {
  const reported = report.endpoints.find((each) => each.endpoint === endpoint);
  return ((what === 'route' ? reported?.epoch : reported?.policyEpoch) ?? 0) >= epoch;
}

function problemOf({ endpoint }: Announced, report: ServerReport): string | null {
  return report.endpoints.find((each) => each.endpoint === endpoint)?.problem?.message ?? null;
}

function sentence(change: Announced, report: ServerReport): string {
  const reported = report.endpoints.find((each) => each.endpoint === change.endpoint);
  const epoch = change.what === 'route' ? reported?.epoch : reported?.policyEpoch;
  const has = epoch === undefined ? 'does not serve it yet' : `is at epoch ${epoch}`;
  const why = reported?.problem === null || reported === undefined ? '' : `: ${reported.problem.message}`;
  return `Model server '${report.replica}' ${has}, the ${change.what} of endpoint '${change.endpoint}' is at ${change.epoch}${why}`;
}
