import { setTimeout as delay } from 'node:timers/promises';

import type { Client } from '@temporalio/client';

import type { RunKey } from '../domain/run.ts';

const patienceMs = 60_000;

/**
 * Waits until a closed run's evidence is sealed: another workflow does it, with the worker that this command is about to stop. When it
 * takes too long or fails, the run is still as it is, and the sealing goes on with the next worker: it is said, and nothing is thrown.
 */
export async function waitForSeal(client: Client, run: RunKey, onProgress: (line: string) => void): Promise<void> {
  const handle = client.workflow.getHandle(`archive/${run.workflowId}/${run.runId}`);
  const abort = new AbortController();
  const outcome = await Promise.race([
    handle.result().then(
      () => 'sealed',
      (error: unknown) => `was not sealed: ${error instanceof Error ? error.message : String(error)}`,
    ),
    delay(patienceMs, `was not sealed within ${patienceMs / 1_000} s; the next worker goes on with it`, {
      signal: abort.signal,
    }),
  ]);
  abort.abort();
  onProgress(outcome === 'sealed' ? 'Evidence sealed' : `The evidence ${outcome}`);
}
