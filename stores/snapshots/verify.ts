import { createHash } from 'node:crypto';

import { isCoded } from '../../domain/errors.ts';
import type { SnapshotFile } from '../../domain/snapshot.ts';
import type { SnapshotFinding, SnapshotProof } from '../../domain/snapshot-proof.ts';
import type { BucketRisks } from '../objects/bucket-risks.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { mapParallel } from '../parallel.ts';
import { bucketWatch } from './bucket-watch.ts';
import { manifestKey, readManifest, type SnapshotName } from './manifest.ts';
import { partKey, readPart } from './manifest-parts.ts';

/** `bytes`: read every byte, or trust that a version that stands with its size is what it was. `onFile` hears how many files are done. */
export type VerifyOptions = {
  readonly bytes: 'read' | 'trust';
  readonly risks: () => Promise<BucketRisks>;
  readonly onFile?: (done: number) => void;
};

type Read<Value> = { readonly value: Value } | { readonly finding: SnapshotFinding };

const parallelHeads = 32;
const parallelReads = 4;

/**
 * Proves a snapshot whole: manifest and parts are what was sealed, every pinned version stands with its size and, when bytes are read, its
 * SHA-256, and nothing in the bucket's settings would take one away. All findings are answered, none is thrown. Memory is bounded by a part.
 *
 * @throws CodedError NOT_FOUND when the snapshot was never sealed; SERVICE_UNAVAILABLE or CONFIG_INVALID when the bucket does not answer:
 * that proves nothing.
 */
export async function verifySnapshot(
  store: ObjectStore,
  reference: SnapshotName,
  options: VerifyOptions,
): Promise<SnapshotProof> {
  const { dataset, digest } = reference;
  const risks = await options.risks();
  const watch = bucketWatch(risks, [manifestKey(reference), `snapshots/${dataset}/history.json`]);
  const root = await orFinding(manifestKey(reference), () => readManifest(store, reference));
  const proof = { dataset, digest, notChecked: risks.notChecked };
  if ('finding' in root) return { ...proof, files: 0, bytesRead: 0, findings: [root.finding, ...watch.findings()] };
  const findings: SnapshotFinding[] = [];
  let [done, bytesRead] = [0, 0];
  for (const part of root.value.parts) {
    const key = partKey(dataset, part.sha256);
    const read = await orFinding(key, () => readPart(store, dataset, part));
    watch.document(key);
    if ('finding' in read) findings.push(read.finding);
    const files = 'value' in read ? read.value : [];
    const checked = await mapParallel(files, options.bytes === 'read' ? parallelReads : parallelHeads, async (file) => {
      const finding = await fileFinding(store, file, options.bytes);
      options.onFile?.(++done);
      return finding;
    });
    for (const [index, file] of files.entries()) {
      const finding = checked[index] ?? null;
      watch.data(file.key);
      if (finding !== null) findings.push(finding);
      if (options.bytes === 'read' && finding?.fault !== 'version-deleted') bytesRead += file.sizeBytes;
    }
  }
  return { ...proof, files: root.value.fileCount, bytesRead, findings: [...findings, ...watch.findings()] };
}

async function orFinding<Value>(key: string, read: () => Promise<Value>): Promise<Read<Value>> {
  try {
    return { value: await read() };
  } catch (error) {
    if (!isCoded(error, 'EVIDENCE_ALTERED')) throw error;
    const fault = error.details['missing'] === true ? 'part-missing' : 'manifest-altered';
    return { finding: { fault, key, detail: error.message } };
  }
}

async function fileFinding(
  store: ObjectStore,
  file: SnapshotFile,
  bytes: VerifyOptions['bytes'],
): Promise<SnapshotFinding | null> {
  const { key, s3VersionId } = file;
  try {
    const detail = bytes === 'read' ? await bytesDifference(store, file) : await sizeDifference(store, file);
    return detail === null ? null : { fault: 'bytes-changed', key, detail };
  } catch (error) {
    if (!isCoded(error, 'NOT_FOUND')) throw error;
    return { fault: 'version-deleted', key, detail: `Its pinned version ${s3VersionId} is gone.` };
  }
}

async function sizeDifference(
  store: ObjectStore,
  { key, s3VersionId, sizeBytes }: SnapshotFile,
): Promise<string | null> {
  const found = await store.head(key, { s3VersionId });
  return found.sizeBytes === sizeBytes
    ? null
    : `Version ${s3VersionId} has ${found.sizeBytes} bytes, sealed were ${sizeBytes}.`;
}

async function bytesDifference(store: ObjectStore, file: SnapshotFile): Promise<string | null> {
  const { key, s3VersionId, sizeBytes, sha256 } = file;
  const hash = createHash('sha256');
  let found = 0;
  for await (const chunk of store.stream(key, { s3VersionId })) {
    hash.update(chunk);
    found += chunk.byteLength;
  }
  const digest = hash.digest('hex');
  if (found === sizeBytes && digest === sha256) return null;
  return `Version ${s3VersionId} has ${found} bytes with SHA-256 ${digest}, sealed were ${sizeBytes} with ${sha256}.`;
}
