import type { RunKey } from '../domain/run.ts';
import { archiving } from './activities.ts';

/** Seals the capsule of a run that is closing: a workflow of its own, because the capsule holds the run's history to its last event. */
export async function archive(
  run: RunKey,
): Promise<{ readonly manifestKey: string; readonly root: string; readonly objects: number }> {
  return archiving.sealCapsule(run);
}
