import type { ObjectPin } from '../domain/snapshot.ts';
import type { ObjectStore, StoredVersion } from './objects/object-store.ts';
import { CodedError, isCoded } from '../domain/errors.ts';
import { sha256File, sha256Hex } from './digest.ts';

/**
 * Writes a local file where nothing stands yet and pins it. Where the same bytes stand already, they are pinned: a repeated step adds nothing.
 *
 * @throws CodedError CONFLICT when other bytes stand there.
 */
export async function pinFileOnce(store: ObjectStore, key: string, path: string): Promise<ObjectPin> {
  const sha256 = await sha256File(path);
  const version = await writeOnce(store, key, path, sha256);
  return { key, s3VersionId: version.s3VersionId, sizeBytes: version.sizeBytes, sha256 };
}

async function writeOnce(store: ObjectStore, key: string, path: string, sha256: string): Promise<StoredVersion> {
  try {
    return await store.write(key, { file: path }, { ifAbsent: true });
  } catch (error) {
    if (!isCoded(error, 'CONFLICT')) throw error;
    const { version, bytes } = await store.read(key);
    if (sha256Hex(bytes) === sha256) return version;
    throw new CodedError(
      'CONFLICT',
      `${key} holds other bytes than this attempt made. The step is not deterministic, or two runs share a folder.`,
      { cause: error },
    );
  }
}
