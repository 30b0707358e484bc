import { announce, type Announced } from '../activities/release/announce.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { Output } from './output.ts';

/** So long a command waits until all model servers have a change in force. */
export const waitForServersMs = 15_000;

/**
 * Tells the model servers of a change, waits for them, and says who does not have it in force and why: a sentence each, told as progress too.
 * Where somebody waited already, `atMostMs` is 0.
 */
export async function tellServers(
  output: Output,
  change: Announced,
  { store, atMostMs = waitForServersMs }: { readonly store: ObjectStore; readonly atMostMs?: number },
): Promise<readonly string[]> {
  const { behind } = await announce(change, { store, now: () => new Date().toISOString(), atMostMs });
  for (const line of behind) output.progress(line);
  return behind;
}
