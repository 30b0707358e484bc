import { CodedError } from './errors.ts';
import type { Environment } from './run.ts';
import type { DataSlice, ObjectPin } from './snapshot.ts';
import type { TrainerSpec } from './trainer.ts';

export type Alias = 'champion' | 'challenger';

/** What its author says of a model: nobody can compute it. It stands in the model card. */
export type ModelAbout = {
  readonly intendedUse: string;
  readonly outOfScope?: string;
  readonly limitations?: readonly string[];
  readonly owner?: string;
  readonly ethicalConsiderations?: readonly string[];
  readonly license?: string;
};

/** Where a version comes from. */
export type Lineage = {
  readonly trainer: TrainerSpec;
  readonly seed: number;
  /** Of the built features.mjs. */
  readonly featuresSha256: string;
  /** Of the canonical JSON of what goes in and comes out: the record, the features' names, the output and its classes. */
  readonly interfaceSha256: string;
  readonly modelSha256: string;
  readonly environment: Environment;
  /** `training.json` of the run. */
  readonly record: ObjectPin;
};

/** One version in the registry. `pending` until its package is whole. */
export type ModelVersion = {
  readonly modelVersion: string;
  /**
   * `major.minor.patch`, from the version before it (the newest that was registered): major: what goes in or comes out changed; minor: other
   * data, features, trainer or hyper-parameters; patch: the same of all of these. The first is 1.0.0.
   */
  readonly semanticVersion: string;
  /** Idempotency key: the step that registered it. */
  readonly registrationId: string;
  readonly status: 'pending' | 'ready' | 'rejected';
  readonly packageDigest: string | null;
  readonly run: { readonly pipeline: string; readonly workflowId: string; readonly runId: string };
  readonly data: DataSlice;
  readonly lineage: Lineage;
  readonly about: ModelAbout | null;
  readonly createdAt: string;
  /** Why it was rejected, where it was. */
  readonly reason: string | null;
};

/** One move of an alias, kept for ever. */
export type AliasMove = {
  /** Idempotency key: the step that moved it. */
  readonly moveId: string;
  readonly alias: Alias;
  readonly from: string | null;
  readonly to: string | null;
  readonly at: string;
  readonly who: string;
  readonly why: string;
  /** SHA-256 of the canonical JSON of the decision that it rests on. */
  readonly evidenceSha256: string;
};

/**
 * One fact about a model, `registry/<model>/changes/<n>.json`, written once and never changed: n counts from 1 and is where two writers
 * compare and set. The registry is all of them applied in order.
 */
export type RegistryChange =
  | { readonly kind: 'reserve'; readonly version: Omit<ModelVersion, 'status' | 'packageDigest' | 'reason'> }
  | { readonly kind: 'complete'; readonly modelVersion: string; readonly packageDigest: string }
  | { readonly kind: 'reject'; readonly modelVersion: string; readonly reason: string }
  | { readonly kind: 'move'; readonly move: AliasMove };

/** `registry/<model>.json`: an index of the changes up to `changes`. Lost, it is made again from them. */
export type Registry = {
  readonly model: string;
  readonly changes: number;
  readonly versions: readonly ModelVersion[];
  readonly aliases: Readonly<Partial<Record<Alias, string>>>;
  readonly moves: readonly AliasMove[];
};

/** The registry of a model that has none yet. */
export function emptyRegistry(model: string): Registry {
  return { model, changes: 0, versions: [], aliases: {}, moves: [] };
}

/**
 * The registry after its next change. Nothing is decided here: whoever wrote the change had decided it on the registry before.
 *
 * @throws CodedError DATA_UNREADABLE for a kind of change that only a newer Perdura knows.
 */
export function applyChange(registry: Registry, change: RegistryChange): Registry {
  const next = { ...registry, changes: registry.changes + 1 };
  switch (change.kind) {
    case 'reserve': {
      const version: ModelVersion = { ...change.version, status: 'pending', packageDigest: null, reason: null };
      return { ...next, versions: [...registry.versions, version] };
    }
    case 'complete':
      return withVersion(next, change.modelVersion, { status: 'ready', packageDigest: change.packageDigest });
    case 'reject':
      return withVersion(next, change.modelVersion, { status: 'rejected', reason: change.reason });
    case 'move': {
      const { alias, to } = change.move;
      const { [alias]: _, ...others } = registry.aliases;
      return {
        ...next,
        aliases: to === null ? others : { ...others, [alias]: to },
        moves: [...registry.moves, change.move],
      };
    }
    default:
      throw unknownChange(next, change satisfies never);
  }
}

/**
 * The champion to go back to from the one that stands: the one before it that can still serve. A champion that was gone back to counts as
 * standing where it stood first, so that going back twice goes back by two and never to what was left. Null: there is none.
 */
export function championBefore(registry: Registry): string | null {
  const reigns: string[] = [];
  for (const { alias, to } of registry.moves) {
    if (alias !== 'champion' || to === null) continue;
    const earlier = reigns.indexOf(to);
    if (earlier >= 0) reigns.length = earlier;
    reigns.push(to);
  }
  const ready = new Set(registry.versions.filter(({ status }) => status === 'ready').map((each) => each.modelVersion));
  return reigns.slice(0, -1).findLast((modelVersion) => ready.has(modelVersion)) ?? null;
}

function withVersion(registry: Registry, modelVersion: string, facts: Partial<ModelVersion>): Registry {
  const versions = registry.versions.map((each) => (each.modelVersion === modelVersion ? { ...each, ...facts } : each));
  return { ...registry, versions };
}

function unknownChange({ model, changes }: Registry, change: { readonly kind?: unknown }): CodedError {
  return new CodedError(
    'DATA_UNREADABLE',
    `Change ${changes} of the registry of model '${model}' is of a kind that this Perdura does not know: ${JSON.stringify(change.kind)}. Use the newer Perdura that wrote it.`,
    { details: { model, change: changes } },
  );
}
