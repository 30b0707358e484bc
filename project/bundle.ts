import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { build, type BuildOptions, type OutputChunk, type Plugin } from 'rolldown';

import { CodedError } from '../domain/errors.ts';

/** One bundled module: its text and the names that it exports. */
export type Bundle = { readonly code: string; readonly exports: readonly string[] };

/** `platform` says which export conditions of packages hold; `plugins` say what stays outside the bundle. */
export type BundleOptions = { readonly platform: 'neutral' | 'node'; readonly plugins: readonly Plugin[] };

/**
 * Bundles one TypeScript file of the user's project, with all that it imports by a relative path, to one ES module in memory.
 * The text depends on the sources alone, not on the folder that they lie in: no paths, no tsconfig, no source map.
 *
 * @throws CodedError PROJECT_INVALID with the file, the place and the bundler's message.
 */
export async function bundleFile(file: string, options: BundleOptions): Promise<Bundle> {
  const { output } = await build(settings(file, options)).catch((error: unknown) => {
    throw asProjectError(file, error);
  });
  const chunk: OutputChunk = output[0];
  return { code: chunk.code, exports: chunk.exports };
}

function settings(file: string, options: BundleOptions): BuildOptions {
  return {
    input: file,
    cwd: dirname(file),
    platform: options.platform,
    plugins: [...options.plugins],
    resolve: {
      extensions: ['.ts', '.mts', '.js', '.mjs', '.cjs', '.json'],
      extensionAlias: { '.js': ['.ts', '.js'] },
      mainFields: ['module', 'main'],
    },
    tsconfig: false,
    transform: { target: 'es2022' },
    logLevel: 'silent',
    write: false,
    experimental: { attachDebugInfo: 'none' },
    output: {
      format: 'esm',
      codeSplitting: false,
      comments: { legal: true, annotation: false, jsdoc: false },
      // The default is a RegExp, which the native part refuses where another realm made it (test runners, vm).
      sourcemapIgnoreList: false,
    },
  };
}

type BundlerFault = {
  readonly message: string;
  readonly id?: string;
  readonly loc?: { readonly line: number; readonly column: number };
};

function asProjectError(entry: string, error: unknown): CodedError {
  const { errors } = error as { readonly errors?: readonly BundlerFault[] };
  const fault = errors?.[0] ?? { message: error instanceof Error ? error.message : String(error) };
  const text = stripVTControlCharacters(fault.message).trim();
  // The bundler's first line says what; the drawing of the source line below it repeats the place.
  const what = (text.split('\n')[0] ?? text).replace(/^\[\w+\]\s*/, '').replace(/\.$/, '');
  const file = fault.id ?? entry;
  const place = fault.loc ? `${file}:${fault.loc.line}:${fault.loc.column + 1}` : file;
  return new CodedError('PROJECT_INVALID', `${place} does not build: ${what}.`, {
    details: { file, bundler: text },
    cause: error,
  });
}
