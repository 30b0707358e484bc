import type { NamedObjects, RecordedHistory } from '../../audit/capsule.ts';
import { completedActivities, jsonValues, parseHistory } from '../../audit/history.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { isPlainName } from '../../domain/names.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';
import type { DataActivities } from '../data/contract.ts';
import type { ReleaseActivities } from '../release/contract.ts';
import type { SearchActivities } from '../search/contract.ts';
import type { TrainingActivities } from '../training/contract.ts';

/** The snapshots and model packages of a run, each once, in order of first mention: those that it worked on, and those that are only mentioned. */
export type References = NamedObjects & { readonly mentioned: NamedObjects };

type Step =
  | keyof DataActivities
  | keyof TrainingActivities
  | Exclude<keyof SearchActivities, 'keepSearch'>
  | keyof ReleaseActivities;

/** Perdura's own steps. The bookkeeping around a run is none of them: it repeats what the author's code said. */
const steps: Readonly<Record<Step, true>> = {
  changeRoute: true,
  createSnapshot: true,
  isOpen: true,
  measureCanary: true,
  measureOffline: true,
  measureShadow: true,
  moveAlias: true,
  placeTraining: true,
  promoteVersion: true,
  proposeTrial: true,
  readAlias: true,
  readDearestPrice: true,
  readRoute: true,
  registerModel: true,
  rejectVersion: true,
  rollBackVersion: true,
  splitByChance: true,
  scoreTrial: true,
  splitByTime: true,
  trainModel: true,
  validateData: true,
  writeRoute: true,
};

/**
 * Collects the snapshots and model packages that the histories name: these objects belong to the run's evidence. What a step of Perdura was
 * given and completed with is a reference; what stands elsewhere, in the run's input or in the author's own activities, may only look like one.
 */
export function referencesIn(histories: readonly RecordedHistory[]): References {
  const [used, named]: [Candidates, Candidates] = [candidates(), candidates()];
  for (const { historyJson, workflowId } of histories) {
    const { events } = parseHistory(historyJson, `The history of ${workflowId}`);
    for (const { name, input, result } of completedActivities(events)) {
      if (Object.hasOwn(steps, name)) visit([input, result], used);
    }
    for (const value of jsonValues(events)) visit(value, named);
  }
  const mentioned = {
    snapshots: [...named.snapshots].filter(([name]) => !used.snapshots.has(name)).map(([, reference]) => reference),
    packages: [...named.packages].filter(([name]) => !used.packages.has(name)).map(([, reference]) => reference),
  };
  return { snapshots: [...used.snapshots.values()], packages: [...used.packages.values()], mentioned };
}

type Candidates = {
  readonly snapshots: Map<string, SnapshotReference>;
  readonly packages: Map<string, ModelReference>;
};

function candidates(): Candidates {
  return { snapshots: new Map(), packages: new Map() };
}

function visit(value: unknown, found: Candidates): void {
  if (typeof value !== 'object' || value === null) return;
  if (isSnapshot(value)) put(found.snapshots, `${value.dataset}@${value.digest}`, value);
  if (isPackage(value)) put(found.packages, `${value.model}@${value.modelVersion}@${value.packageDigest}`, value);
  for (const child of Object.values(value)) visit(child, found);
}

/** A map keeps the place of the first mention. */
function put<T>(found: Map<string, T>, name: string, reference: T): void {
  if (!found.has(name)) found.set(name, reference);
}

const digest = /^[0-9a-f]{64}$/;
const datasetName = /^\w[\w.@+ -]*$/;

function isSnapshot(value: object): value is SnapshotReference {
  if (!('dataset' in value) || !('digest' in value) || !('rows' in value)) return false;
  return typeof value.dataset === 'string' && datasetName.test(value.dataset) && isDigest(value.digest);
}

function isPackage(value: object): value is ModelReference {
  if (!('model' in value) || !('modelVersion' in value) || !('packageDigest' in value)) return false;
  return isPlainName(value.model) && isPlainName(value.modelVersion) && isDigest(value.packageDigest);
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && digest.test(value);
}
