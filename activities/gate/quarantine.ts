import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { isCoded } from '../../domain/errors.ts';
import type { DataSchema } from '../../domain/expectation.ts';
import type { ValidationReport } from '../../domain/validation-report.ts';
import type { SnapshotReference } from '../../domain/snapshot.ts';
import { sha256File, sha256Hex } from '../../stores/digest.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';

type Quarantine = NonNullable<ValidationReport['quarantine']>;

/**
 * Keeps a file of bad rows at `quarantine/<dataset>/<identity>.parquet`, where the identity is the digest of snapshot and schema: the same
 * check lands on the same key, and what an earlier attempt wrote there stays and is the one that is pinned.
 */
export async function keepInQuarantine(
  store: ObjectStore,
  question: { readonly snapshot: SnapshotReference; readonly schema: DataSchema },
  file: { readonly path: string; readonly rows: number },
): Promise<Quarantine> {
  const key = `quarantine/${question.snapshot.dataset}/${sha256Hex(canonicalJson(question))}.parquet`;
  try {
    const version = await store.write(
      key,
      { file: file.path },
      { ifAbsent: true, contentType: 'application/vnd.apache.parquet' },
    );
    const { size } = await stat(file.path);
    return {
      key,
      s3VersionId: version.s3VersionId,
      sizeBytes: size,
      sha256: await sha256File(file.path),
      rows: file.rows,
    };
  } catch (error) {
    if (!isCoded(error, 'CONFLICT')) throw error;
    return { ...(await pinStanding(store, key)), rows: file.rows };
  }
}

async function pinStanding(store: ObjectStore, key: string): Promise<Omit<Quarantine, 'rows'>> {
  const { s3VersionId } = await store.head(key);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of store.stream(key, { s3VersionId })) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { key, s3VersionId, sizeBytes, sha256: hash.digest('hex') };
}
