import type { SnapshotFinding } from '../../domain/snapshot-proof.ts';
import type { BucketRisks, ExpiringRule } from '../objects/bucket-risks.ts';

/** Hears which keys a snapshot rests on, and then says what the bucket's settings would do to them. */
export type BucketWatch = {
  /** A document that readers find by its key alone. */
  document(key: string): void;
  /** A data file that readers find by its pinned version. */
  data(key: string): void;
  findings(): readonly SnapshotFinding[];
};

type Endangered = { readonly rule: ExpiringRule; keys: number; first: string };

/**
 * Watches for settings that would take away what a snapshot rests on. Versions that are deleted once they are written over endanger pinned data;
 * hiding the newest version endangers documents, and data too where a bucket keeps no versions. One finding a rule, not one a file.
 */
export function bucketWatch(risks: BucketRisks, documents: readonly string[]): BucketWatch {
  const { versioning } = risks;
  const rules = risks.expiring.map((rule): Endangered => ({ rule, keys: 0, first: '' }));
  const endangersData = ({ rule }: Endangered) => rule.of === 'noncurrent' || versioning !== 'enabled';
  const note = (key: string, concerned: readonly Endangered[]) => {
    for (const each of concerned) {
      if (!key.startsWith(each.rule.prefix)) continue;
      if (each.keys++ === 0) each.first = key;
    }
  };
  const ofDocuments = rules.filter(({ rule }) => rule.of === 'current');
  const ofData = rules.filter(endangersData);
  for (const key of documents) note(key, ofDocuments);
  return {
    document: (key) => note(key, ofDocuments),
    data: (key) => note(key, ofData),
    findings: () => [
      ...(versioning === 'enabled' ? [] : [suspended(risks)]),
      ...rules.filter(({ keys }) => keys > 0).map((each) => expiring(risks.bucket, each)),
    ],
  };
}

function suspended({ bucket, versioning }: BucketRisks): SnapshotFinding {
  const what = versioning === 'suspended' ? 'is suspended' : 'was never switched on';
  const detail = `Versioning of bucket '${bucket}' ${what}: objects that are written over are lost. Switch it on.`;
  return { fault: 'versioning-suspended', key: bucket, detail };
}

function expiring(bucket: string, { rule, keys, first }: Endangered): SnapshotFinding {
  const when = rule.days === null ? '' : ` after ${rule.days} days`;
  const what =
    rule.of === 'noncurrent' ? `deletes versions that were written over${when}` : `takes objects away${when}`;
  const where = rule.prefix === '' ? 'everywhere' : `under '${rule.prefix}'`;
  const only = rule.only === null ? '' : ` if ${rule.only}`;
  const many = keys === 1 ? first : `${keys} objects of this snapshot, ${first} first`;
  const detail = `Lifecycle rule '${rule.id}' of bucket '${bucket}' ${what}, ${where}${only}: it reaches ${many}. Leave these keys out of it.`;
  return { fault: 'lifecycle-would-expire', key: bucket, detail };
}
