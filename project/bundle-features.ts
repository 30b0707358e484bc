import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname } from 'node:path';

import { CodedError } from '../domain/errors.ts';
import { bundleFile } from './bundle.ts';
import type { PipelineSource } from './load.ts';
import { type ImportSite, packagesInside } from './packages.ts';

/**
 * Builds a pipeline's features.ts and all that it imports, packages too, to one ES module that needs nothing around it: it
 * travels in the model's package and runs in training and in the model server. Declared `aggregates` travel with it, made by
 * `perdura/features`, of which only the functions that were called are inside. The same sources give the same bytes in any folder.
 *
 * @throws CodedError FEATURES_INVALID when the file is missing, does not export `record` and `features`, or imports what
 * cannot travel; PROJECT_INVALID when it does not build.
 */
export async function bundleFeatures(pipeline: PipelineSource, outputFile: string): Promise<void> {
  const file = pipeline.featuresFile;
  if (file === null)
    throw new CodedError(
      'FEATURES_INVALID',
      `Pipeline '${pipeline.name}' has no features.ts. Write it in ${pipeline.folder}.`,
    );
  const strangers: ImportSite[] = [];
  const { code, exports } = await bundleFile(file, { platform: 'neutral', plugins: [packagesInside(strangers)] });
  const stranger = strangers[0];
  if (stranger) throw cannotTravel(file, stranger);
  const missing = ['record', 'features'].filter((name) => !exports.includes(name));
  if (missing.length > 0)
    throw new CodedError(
      'FEATURES_INVALID',
      `${file} does not export ${missing.map((name) => `'${name}'`).join(' and ')}: the record's fields, and the function from a record to its features.`,
      { details: { file, missing } },
    );
  await writeWhole(outputFile, code);
}

function cannotTravel(file: string, { id, importer }: ImportSite): CodedError {
  const text = isBuiltin(id)
    ? `Features must be pure: ${importer} imports '${id}' of Node, which can differ between training and serving. Remove the import.`
    : `${importer} imports the package '${id}', which is not installed. Install it, or remove the import.`;
  return new CodedError('FEATURES_INVALID', text, { details: { file, importer, import: id } });
}

/** A reader sees the old file or the whole new one. */
async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${randomUUID()}.partial`;
  await writeFile(temporary, text);
  await rename(temporary, file);
}
