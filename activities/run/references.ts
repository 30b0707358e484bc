import type { RecordedHistory } from '../../audit/capsule.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';

/** What a run named in its inputs and outputs: these objects belong to its evidence. */
export type References = {
  readonly snapshots: readonly SnapshotReference[];
  readonly packages: readonly ModelReference[];
};

/** Walks every payload of the histories and collects the snapshots and model packages that it names, each once, in order of first mention. */
export function referencesIn(histories: readonly RecordedHistory[]): References {
  const snapshots = new Map<string, SnapshotReference>();
  const packages = new Map<string, ModelReference>();
  for (const { historyJson } of histories) {
    for (const value of payloadValues(JSON.parse(historyJson))) {
      visit(value, (candidate) => {
        if (isSnapshot(candidate)) snapshots.set(`${candidate.dataset}@${candidate.digest}`, candidate);
        if (isPackage(candidate))
          packages.set(`${candidate.model}@${candidate.modelVersion}@${candidate.packageDigest}`, candidate);
      });
    }
  }
  return { snapshots: [...snapshots.values()], packages: [...packages.values()] };
}

/** The decoded values of all JSON payloads within a history. */
function* payloadValues(node: unknown): Iterable<unknown> {
  if (typeof node !== 'object' || node === null) return;
  if ('data' in node && 'metadata' in node && typeof node.data === 'string') {
    const text = Buffer.from(node.data, 'base64').toString('utf8');
    if (text.startsWith('{') || text.startsWith('[')) yield JSON.parse(text);
    return;
  }
  for (const child of Object.values(node)) yield* payloadValues(child);
}

function visit(value: unknown, see: (candidate: object) => void): void {
  if (typeof value !== 'object' || value === null) return;
  see(value);
  for (const child of Object.values(value)) visit(child, see);
}

function isSnapshot(value: object): value is SnapshotReference {
  return (
    'dataset' in value &&
    'digest' in value &&
    'rows' in value &&
    typeof value.dataset === 'string' &&
    typeof value.digest === 'string'
  );
}

function isPackage(value: object): value is ModelReference {
  return (
    'model' in value && 'modelVersion' in value && 'packageDigest' in value && typeof value.packageDigest === 'string'
  );
}
