import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { CodedError } from '../domain/errors.ts';
import type { LoadedChecks, RowChecks } from '../domain/row-checks.ts';
import { bundleFile } from './bundle.ts';
import { type ImportSite, packagesInside } from './packages.ts';

/**
 * Loads a checks.ts: builds it, with all that it imports, to one module that needs nothing around it, as features are. The built file is
 * named by its bytes: the same sources are the same module, in any folder.
 *
 * @throws CodedError CHECKS_INVALID when it imports what is not pure or not there, exports no function, or throws while it loads;
 * PROJECT_INVALID when it does not build.
 */
export async function loadChecks(file: string, outputFolder: string): Promise<LoadedChecks> {
  const strangers: ImportSite[] = [];
  const { code } = await bundleFile(file, { platform: 'neutral', plugins: [packagesInside(strangers)] });
  const stranger = strangers[0];
  if (stranger) throw invalid(file, strangerText(stranger));
  const sha256 = createHash('sha256').update(code).digest('hex');
  const output = resolve(join(outputFolder, `checks-${sha256.slice(0, 16)}.mjs`));
  await mkdir(outputFolder, { recursive: true });
  const temporary = `${output}.${randomUUID()}.partial`;
  await writeFile(temporary, code);
  await rename(temporary, output);
  const module: unknown = await import(pathToFileURL(output).href).catch((cause: unknown) => {
    throw invalid(file, `throws while it loads: ${cause instanceof Error ? cause.message : String(cause)}.`, cause);
  });
  const checks = functionsOf(module);
  if (Object.keys(checks).length === 0) throw invalid(file, 'exports no function.');
  return { checks, sha256 };
}

function functionsOf(module: unknown): RowChecks {
  const exported = Object.entries(module as Readonly<Record<string, unknown>>);
  return Object.fromEntries(exported.filter(([, value]) => typeof value === 'function')) as RowChecks;
}

function strangerText({ id, importer }: ImportSite): string {
  return isBuiltin(id)
    ? `must be pure: ${importer} imports '${id}' of Node. Remove the import.`
    : `cannot be built: ${importer} imports the package '${id}', which is not installed. Install it, or remove the import.`;
}

function invalid(file: string, text: string, cause: unknown = null): CodedError {
  return new CodedError('CHECKS_INVALID', `${file} ${text}`, { details: { file }, cause });
}
