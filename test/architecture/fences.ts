import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, posix, relative, resolve } from 'node:path';

/** What a folder may import: other folders, of some only types, and packages. */
export type Fence = {
  readonly values: readonly string[];
  readonly typesOnly?: readonly string[];
  readonly packages: 'none' | 'workflow' | 'no-temporal' | 'any';
};

/** The fences, one row a folder; docs/guides/architecture.md tells the same for people. */
export const fences: Readonly<Record<string, Fence>> = {
  domain: { values: [], packages: 'none' },
  stores: { values: ['domain'], packages: 'no-temporal' },
  project: { values: ['domain'], packages: 'no-temporal' },
  training: { values: ['domain', 'stores'], packages: 'no-temporal' },
  audit: { values: ['domain', 'stores'], packages: 'any' },
  activities: { values: ['domain', 'stores', 'training', 'audit', 'project'], packages: 'any' },
  workflows: { values: ['domain'], typesOnly: ['activities'], packages: 'workflow' },
  pipelines: { values: [], packages: 'workflow' },
  serving: { values: ['domain', 'stores'], packages: 'no-temporal' },
  services: { values: ['domain'], packages: 'no-temporal' },
  workers: { values: ['domain', 'stores', 'project', 'training', 'audit', 'activities', 'services'], packages: 'any' },
  cli: {
    values: ['domain', 'stores', 'project', 'training', 'audit', 'activities', 'serving', 'services', 'workers'],
    typesOnly: ['workflows'],
    packages: 'any',
  },
  'main-job': {
    values: ['domain', 'stores', 'project', 'audit', 'serving', 'services', 'workers', 'cli'],
    typesOnly: ['workflows'],
    packages: 'any',
  },
  bench: {
    values: ['domain', 'stores', 'project', 'training', 'activities', 'serving', 'services', 'workers'],
    packages: 'any',
  },
};

/** One import statement of one file. */
export type Import = { readonly file: string; readonly specifier: string; readonly typeOnly: boolean };

const importStatement = /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
const dynamicImport = /\bimport\(\s*'([^']+)'\s*\)/g;

/** All imports of a source text. */
export function importsIn(file: string, text: string): readonly Import[] {
  const fixed = [...text.matchAll(importStatement)].map((match) => ({
    file,
    specifier: match[2] ?? '',
    typeOnly: match[1] !== undefined,
  }));
  const dynamic = [...text.matchAll(dynamicImport)].map((match) => ({
    file,
    specifier: match[1] ?? '',
    typeOnly: false,
  }));
  return [...fixed, ...dynamic];
}

/** All imports of the sources in a folder. */
export async function importsOf(root: string, folder: string): Promise<readonly Import[]> {
  const names = await readdir(join(root, folder), { recursive: true });
  const files = names
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => posix.join(folder, name));
  const found = await Promise.all(files.map(async (file) => importsIn(file, await readFile(join(root, file), 'utf8'))));
  return found.flat();
}

/** Why an import crosses a fence; null when it does not. */
export function crossing(root: string, folder: string, one: Import): string | null {
  const fence = fences[folder];
  if (fence === undefined) return `${folder} has no row in the fences`;
  if (one.specifier.startsWith('.')) {
    const target = relative(root, resolve(root, dirname(one.file), one.specifier)).split('/')[0] ?? '';
    if (target === folder || fence.values.includes(target)) return null;
    if (fence.typesOnly?.includes(target) === true && one.typeOnly) return null;
    return `${one.file} imports ${one.specifier}: ${folder} may not import ${target}`;
  }
  return packageAllowed(fence, one) ? null : `${one.file} imports ${one.specifier}, which ${folder} may not`;
}

function packageAllowed(fence: Fence, one: Import): boolean {
  switch (fence.packages) {
    case 'none':
      return false;
    case 'workflow':
      return ['@temporalio/workflow', 'perdura/steps', 'perdura/expect', 'perdura/features', 'perdura/frame'].includes(
        one.specifier,
      );
    case 'no-temporal':
      return !one.specifier.startsWith('@temporalio/');
    case 'any':
      return true;
    default:
      return fence.packages satisfies never;
  }
}
