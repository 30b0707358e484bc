import type { RecordedHistory } from '../../audit/capsule.ts';
import type { Environment, RunKey } from '../../domain/run.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { Beat } from '../heartbeat.ts';
import type { RunActivities } from './contract.ts';
import { sealCapsule } from '../../audit/seal.ts';
import { writeRunOutcome, writeRunStart } from '../../stores/runs.ts';
import { referencesIn } from './references.ts';

export type RunDependencies = {
  readonly store: ObjectStore;
  readonly keysFolder: string;
  readonly retainDays: number;
  readonly environment: Environment;
  /** The workflow bundle that this worker runs. */
  readonly bundleFile: string;
  /** The bytes of the project's package-lock.json; null when it has none. */
  readonly lockfile: Uint8Array | null;
  /** Waits until the run is closed; then its history and those of its children. */
  readonly closedHistories: (run: RunKey, beat: Beat) => Promise<readonly RecordedHistory[]>;
  readonly now: () => string;
  readonly beat: () => Beat;
};

/** Bookkeeping around every run: what the author of a pipeline never has to call. */
export function runActivities(dependencies: RunDependencies): RunActivities {
  const { store, environment } = dependencies;
  return {
    async recordStart(request) {
      const start = { ...request, environment };
      await writeRunStart(store, start);
      return start;
    },
    async recordOutcome(outcome) {
      await writeRunOutcome(store, outcome);
    },
    async sealCapsule(run) {
      const histories = await dependencies.closedHistories(run, dependencies.beat());
      return sealCapsule(dependencies, run, {
        histories,
        bundle: { body: { file: dependencies.bundleFile }, sha256: environment.bundleSha256 },
        lockfile: dependencies.lockfile,
        environment,
        references: referencesIn(histories),
      });
    },
  };
}
