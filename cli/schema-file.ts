import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { CodedError, isCoded } from '../domain/errors.ts';
import type { DataSchema } from '../domain/expectation.ts';
import type { RowChecks } from '../domain/row-checks.ts';
import { loadChecks } from '../project/bundle-checks.ts';
import { importModule } from '../project/bundle-module.ts';
import { usageError } from './errors.ts';

/** A schema and the functions of the checks.ts beside it; null where it names none or there is no such file. */
export type SchemaFile = { readonly schema: DataSchema; readonly checks: RowChecks | null };

/**
 * Reads the one schema that a TypeScript file exports, under whatever name.
 *
 * @throws CodedError INPUT_INVALID when there is none or several; PROJECT_INVALID when the file does not build; CHECKS_INVALID.
 */
export async function readSchema(file: string, scratch: string): Promise<SchemaFile> {
  if (!(await isFile(file))) throw usageError('INPUT_INVALID', `${file} does not exist. Name the file of the schema.`);
  const module = (await importModule(file, scratch).catch((error: unknown) => {
    throw isCoded(error) ? error : notLoaded(file, error);
  })) as Readonly<Record<string, unknown>>;
  const found = Object.entries(module).filter((entry): entry is [string, DataSchema] => isSchema(entry[1]));
  const [only] = found;
  if (only === undefined || found.length > 1) {
    const names = found.map(([name]) => name).join(', ');
    const what = found.length === 0 ? 'exports no schema ({ dataset, expectations })' : `exports several: ${names}`;
    throw usageError('INPUT_INVALID', `${file} ${what}. Export exactly one from it.`);
  }
  const [, schema] = only;
  const checksFile = join(dirname(file), 'checks.ts');
  const needed = schema.expectations.some(({ kind }) => kind === 'rowFunction') && (await isFile(checksFile));
  return { schema, checks: needed ? (await loadChecks(checksFile, scratch)).checks : null };
}

function notLoaded(file: string, cause: unknown): CodedError {
  const what = cause instanceof Error ? cause.message : String(cause);
  const message = `${file} cannot be loaded: ${what.replace(/ imported from .*/, '')}. Correct it, or install what it imports.`;
  return new CodedError('PROJECT_INVALID', message, { details: { file }, cause });
}

function isSchema(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { dataset, expectations } = value as Readonly<Record<string, unknown>>;
  return typeof dataset === 'string' && Array.isArray(expectations);
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}
