import { CodedError, isCoded } from '../../domain/errors.ts';
import type { ManifestPart, SnapshotFile } from '../../domain/snapshot.ts';
import { sha256Hex } from '../digest.ts';
import { parseDocument, writeBytesOnce } from '../documents.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { endsPart } from './key-order.ts';

/** Where one part of a dataset's manifests lies; the parts of all its snapshots lie together, because they share them. */
export function partKey(dataset: string, sha256: string): string {
  return `snapshots/${dataset}/parts/${sha256}.json`;
}

/** Cuts files in key order into parts, each up to and with a key that ends one; `rest` is what no such key closes. */
export function cutParts(files: readonly SnapshotFile[]): {
  readonly closed: readonly (readonly SnapshotFile[])[];
  readonly rest: readonly SnapshotFile[];
} {
  const closed: (readonly SnapshotFile[])[] = [];
  let from = 0;
  for (const [index, { key }] of files.entries()) {
    if (!endsPart(key)) continue;
    closed.push(files.slice(from, index + 1));
    from = index + 1;
  }
  return { closed, rest: files.slice(from) };
}

/** Writes one part where `known` parts do not hold it yet, and tells what it covers. */
export async function sealPart(
  store: ObjectStore,
  dataset: string,
  files: readonly SnapshotFile[],
  known: ReadonlySet<string>,
): Promise<ManifestPart> {
  const bytes = new TextEncoder().encode(partJson(files));
  const sha256 = sha256Hex(bytes);
  if (!known.has(sha256)) await writeBytesOnce(store, partKey(dataset, sha256), bytes);
  return {
    sha256,
    files: files.length,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    firstKey: files[0]?.key ?? '',
    lastKey: files.at(-1)?.key ?? '',
  };
}

/**
 * Reads one part and holds its bytes against the digest that names it.
 *
 * @throws CodedError EVIDENCE_ALTERED when it is gone (`details.missing`) or its bytes are not those that were sealed.
 */
export async function readPart(
  store: ObjectStore,
  dataset: string,
  part: ManifestPart,
): Promise<readonly SnapshotFile[]> {
  const key = partKey(dataset, part.sha256);
  const { bytes } = await store.read(key).catch((error: unknown) => {
    throw isCoded(error, 'NOT_FOUND') ? gone(key, part, error) : error;
  });
  const found = sha256Hex(bytes);
  if (found === part.sha256) return parseDocument<readonly SnapshotFile[]>(key, bytes);
  throw new CodedError(
    'EVIDENCE_ALTERED',
    `Part '${key}' of a snapshot has SHA-256 ${found}, not the one it is named by. Restore its first version.`,
    { details: { key, missing: false } },
  );
}

/** The files of some parts of a dataset's manifests, in their order, the next part read while one is worked on. Throws as readPart does. */
export async function* filesOfParts(
  store: ObjectStore,
  dataset: string,
  parts: readonly ManifestPart[],
): AsyncGenerator<SnapshotFile> {
  const [first, ...others] = parts;
  if (first === undefined) return;
  let reading = readPart(store, dataset, first);
  for (const part of others) {
    const files = await reading;
    reading = readPart(store, dataset, part);
    // Awaited in the next round, or never when the reader stops here.
    reading.catch(() => undefined);
    yield* files;
  }
  yield* await reading;
}

/** Canonical JSON of a part. Written member by member: it is the one document of which there are millions of lines. */
function partJson(files: readonly SnapshotFile[]): string {
  return `[${files.map(fileJson).join(',')}]`;
}

/** Only what a manifest holds of a file: a caller's richer object must not change the digest. */
function fileJson({ format, key, rows, s3VersionId, sha256, sizeBytes }: SnapshotFile): string {
  const text = JSON.stringify;
  return `{"format":"${format}","key":${text(key)},"rows":${rows},"s3VersionId":${text(s3VersionId)},"sha256":"${sha256}","sizeBytes":${sizeBytes}}`;
}

function gone(key: string, part: ManifestPart, cause: unknown): CodedError {
  return new CodedError(
    'EVIDENCE_ALTERED',
    `Part '${key}' of a snapshot is gone: it names ${part.files} files from ${part.firstKey} to ${part.lastKey}. Restore its deleted version.`,
    { details: { key, missing: true }, cause },
  );
}
