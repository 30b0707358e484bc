import type { RecordedHistory } from '../../audit/capsule.ts';
import type { RunKey } from '../../domain/run.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { Beat } from '../heartbeat.ts';
import type { RunActivities } from './contract.ts';
import { recordedEnvironment } from '../../audit/recorded-environment.ts';
import { sealCapsule } from '../../audit/seal.ts';
import { writeRunOutcome, writeRunStart } from '../../stores/runs.ts';
import { type WorkerCode, codeOf, keepCode } from './code-archive.ts';
import { referencesIn } from './references.ts';

export type RunDependencies = {
  readonly store: ObjectStore;
  readonly keysFolder: string;
  readonly retainDays: number;
  readonly code: WorkerCode;
  /** Waits until the run is closed; then its history and those of its children. */
  readonly closedHistories: (run: RunKey, beat: Beat) => Promise<readonly RecordedHistory[]>;
  readonly now: () => string;
  readonly beat: () => Beat;
};

/** Bookkeeping around every run: what the author of a pipeline never has to call. */
export function runActivities(dependencies: RunDependencies): RunActivities {
  const { store, code } = dependencies;
  let kept: Promise<void> | null = null;
  return {
    async recordStart(request) {
      // Once a worker; an attempt that failed is made again by the next.
      kept ??= keepCode(store, code);
      await kept.catch((error: unknown) => {
        kept = null;
        throw error;
      });
      return writeRunStart(store, { ...request, environment: code.environment });
    },
    async recordOutcome(outcome) {
      await writeRunOutcome(store, outcome);
    },
    async sealCapsule(run) {
      const histories = await dependencies.closedHistories(run, dependencies.beat());
      // As the history has it: run.json could have been written over since.
      const [own] = histories;
      const environment = (own === undefined ? null : recordedEnvironment(own)) ?? code.environment;
      const references = referencesIn(histories);
      return sealCapsule(dependencies, run, {
        histories,
        environment,
        references,
        ...(await codeOf(store, environment)),
      });
    },
  };
}
