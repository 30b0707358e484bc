import type { RunKey, RunOutcome, RunStart } from '../../domain/run.ts';

/** Bookkeeping around every run; runs on the `control` queue. */
export type RunActivities = {
  /** Writes run.json with the environment it finds. Idempotent by run. */
  recordStart(request: Omit<RunStart, 'environment'>): Promise<RunStart>;
  /** Writes outcome.json. Idempotent by run. */
  recordOutcome(outcome: RunOutcome): Promise<void>;
  /** Writes the capsule of a closed run: waits for the close, collects, seals, signs. Idempotent by run. */
  sealCapsule(run: RunKey): Promise<{ readonly manifestKey: string; readonly root: string; readonly objects: number }>;
};
