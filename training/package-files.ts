import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { TrainingProfile } from '../domain/drift-report.ts';
import { CodedError } from '../domain/errors.ts';
import type { PackageFile, Signature } from '../domain/model-package.ts';

/** The parts of a package before they are files. */
export type PackageParts = {
  readonly folder: string;
  readonly featuresFile: string;
  /** Its bytes, or the path of a file to copy. */
  readonly onnx: Uint8Array | string;
  readonly signature: Signature;
  readonly profile: TrainingProfile;
};

/**
 * Writes the four files of a package and returns their paths.
 *
 * @throws CodedError DISK_FULL naming the folder.
 */
export async function writePackageFiles(parts: PackageParts): Promise<Record<PackageFile, string>> {
  const files = {
    'model.onnx': join(parts.folder, 'model.onnx'),
    'features.mjs': join(parts.folder, 'features.mjs'),
    'signature.json': join(parts.folder, 'signature.json'),
    'profile.json': join(parts.folder, 'profile.json'),
  };
  try {
    await mkdir(parts.folder, { recursive: true });
    if (typeof parts.onnx === 'string') await copyFile(parts.onnx, files['model.onnx']);
    else await writeFile(files['model.onnx'], parts.onnx);
    await copyFile(parts.featuresFile, files['features.mjs']);
    await writeFile(files['signature.json'], canonicalJson(parts.signature));
    await writeFile(files['profile.json'], canonicalJson(parts.profile));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC')
      throw new CodedError('DISK_FULL', `No room for the trained model in ${parts.folder}. Free some space there.`, {
        cause: error,
      });
    throw error;
  }
  return files;
}
