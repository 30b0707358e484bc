import { setTimeout as wait } from 'node:timers/promises';

/** Waits for work that never rejects, but not longer than so long: it then goes on unwatched. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  await Promise.race([work, wait(ms, undefined, { signal: late.signal }).catch(() => undefined)]);
  late.abort();
}
