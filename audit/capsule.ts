import { canonicalJson } from '../domain/canonical-json.ts';
import type { ModelReference } from '../domain/model-package.ts';
import type { Environment, RunKey } from '../domain/run.ts';
import type { ObjectPin, SnapshotReference } from '../domain/snapshot.ts';
import type { ObjectBody } from '../stores/objects/object-store.ts';
import { merkleRoot } from './merkle.ts';

/** What a capsule holds. `data` objects may get newer versions under their keys; all others are written once. */
export type EntryKind =
  | 'history'
  | 'bundle'
  | 'lockfile'
  | 'run'
  | 'outcome'
  | 'snapshot'
  | 'snapshot-part'
  | 'data'
  | 'package-manifest'
  | 'package-file';

/** One object of a capsule, pinned. */
export type CapsuleEntry = ObjectPin & { readonly name: string; readonly kind: EntryKind };

/** The event history of one workflow run; `historyJson` is `historyToJSON(await handle.fetchHistory())`, byte for byte. */
export type RecordedHistory = {
  readonly workflowId: string;
  readonly workflowRunId: string;
  readonly workflowType: string;
  readonly historyJson: string;
};

/** What belongs to a run's evidence and was not to be had when its capsule was sealed: `name` is an object's key or a capsule's own name for it. */
export type MissingEvidence = { readonly name: string; readonly reason: string };

/** Snapshots and model packages by their references. */
export type NamedObjects = {
  readonly snapshots: readonly SnapshotReference[];
  readonly packages: readonly ModelReference[];
};

/** Which entry holds which history; the run's own comes first. */
export type CapsuleHistory = Omit<RecordedHistory, 'historyJson'> & { readonly name: string };

/** `evidence/<workflowId>/<runId>/manifest.json`: everything a run rests on, as canonical JSON. */
export type CapsuleManifest = {
  readonly format: 'perdura-capsule-v1';
  readonly run: RunKey;
  readonly environment: Environment;
  readonly histories: readonly CapsuleHistory[];
  readonly entries: readonly CapsuleEntry[];
  /** Empty for a whole capsule; else the replay can only say DIFFERENT. */
  readonly missing: readonly MissingEvidence[];
  /** Merkle root over the canonical JSON of each entry, in order, hex. */
  readonly root: string;
  readonly sealedAt: string;
};

/** What the collector hands to the sealer: own histories first, then children. `bundle` null: it is not to be had any more. */
export type CapsuleParts = {
  readonly histories: readonly RecordedHistory[];
  readonly bundle: { readonly body: ObjectBody; readonly sha256: string } | null;
  /** Bytes of package-lock.json; null when the project has none. */
  readonly lockfile: Uint8Array | null;
  readonly environment: Environment;
  /** What Perdura's own steps worked on. `mentioned`: what only the author's code or the run's input names, which may be no reference at all. */
  readonly references: NamedObjects & { readonly mentioned?: NamedObjects };
};

/** The file names of a capsule below its evidence folder. */
export const manifestName = 'manifest.json';
export const signatureName = 'manifest.sigstore.json';

/** Where the archived workflow bundle lies: by content, because runs of one deployment share it. */
export function bundleKey(sha256: string): string {
  return `bundles/${sha256}.js`;
}

/** Where the public half of a signing key lies. */
export function publicKeyKey(hint: string): string {
  return `keys/${hint}.pem`;
}

/** The Merkle root over entries: each leaf is the entry's canonical JSON, so name, key, version, size and digest are all bound. */
export function entriesRoot(entries: readonly CapsuleEntry[]): string {
  return merkleRoot(entries.map((entry) => new TextEncoder().encode(canonicalJson(entry))));
}

/** Whether the newest version at an entry's key must still hold the sealed bytes. */
export function isWriteOnce(kind: EntryKind): boolean {
  return kind !== 'data';
}
