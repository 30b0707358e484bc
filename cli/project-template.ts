import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { usageError } from './errors.ts';

/** What to make: `target` as typed, against `folder`; `perdura` is the dependency's spec, null for the running version. */
export type ProjectRequest = { readonly folder: string; readonly target: string; readonly perdura: string | null };

/** What a project holds instead of the sample: texts by their paths, and a file of data. */
export type ProjectContent = {
  readonly files: (name: string) => Readonly<Record<string, string>>;
  readonly data: { readonly name: string; readonly path: string };
};

/** A project that was made: absolute folder, files relative to it. */
export type MadeProject = { readonly name: string; readonly folder: string; readonly files: readonly string[] };

/** The parts of our own package.json that a new project repeats: what this version was tested with. */
type OwnManifest = {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, unknown>>;
};

const developed = ['@swc/core', '@swc/jest', '@types/jest', '@types/node', 'jest', 'typescript'];
const packageRoot = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '..' : '../..', import.meta.url));
const templateFolder = join(packageRoot, 'templates', 'project');

/** npm never packs files of these names, so they lie in the template under others. */
const packedAs: Readonly<Record<string, string>> = { _gitignore: '.gitignore', _npmrc: '.npmrc' };

/**
 * Writes a new project: whole, or not at all: it is made beside the target and moved there.
 *
 * @param content - what it is made of; null: the sample, a model of customers who leave.
 * @throws CodedError INPUT_INVALID (wrong usage) when the folder is not empty or its name cannot be a package's.
 */
export async function writeProject(request: ProjectRequest, content: ProjectContent | null): Promise<MadeProject> {
  const folder = resolve(request.folder, request.target);
  const name = packageName(folder);
  await checkFolder(folder);
  const manifest = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as OwnManifest;
  const partial = join(dirname(folder), `.${basename(folder)}-${randomUUID()}`);
  try {
    const files = content === null ? await copyTemplate(partial, name) : await writeContent(partial, name, content);
    const text = JSON.stringify(projectManifest(name, request, manifest), null, 2);
    await writeFile(join(partial, 'package.json'), `${text}\n`);
    await moveInto(folder, partial);
    return { name, folder, files: ['package.json', ...files].toSorted() };
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Into the folder, not over it: a shell may stand in it. */
async function moveInto(folder: string, partial: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const moved: string[] = [];
  try {
    for (const entry of await readdir(partial)) {
      await rename(join(partial, entry), join(folder, entry));
      moved.push(entry);
    }
  } catch (error) {
    for (const entry of moved) await rm(join(folder, entry), { recursive: true, force: true });
    throw error;
  }
}

function packageName(folder: string): string {
  const name = basename(folder).toLowerCase();
  if (/^[a-z0-9][a-z0-9._-]*$/.test(name) && name !== 'node_modules' && name !== 'perdura') return name;
  throw usageError(
    'INPUT_INVALID',
    `'${basename(folder)}' cannot be the name of a project. Use letters, digits, '-', '_' and '.', and not 'perdura'.`,
  );
}

async function checkFolder(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw usageError('INPUT_INVALID', `${folder} is not a folder. Choose another name.`);
  });
  if (entries.length === 0) return;
  const some = entries.slice(0, 3).join(', ');
  throw usageError('INPUT_INVALID', `${folder} is not empty (${some}). Choose a new or empty folder.`);
}

/** Refuses a folder or a name that `writeProject` would refuse, before any work is done for it. */
export async function checkTarget(request: Pick<ProjectRequest, 'folder' | 'target'>): Promise<void> {
  const folder = resolve(request.folder, request.target);
  packageName(folder);
  await checkFolder(folder);
}

async function writeContent(target: string, name: string, { files, data }: ProjectContent): Promise<readonly string[]> {
  const written = { ...files(name) };
  const tools = await copyTemplate(target, name, ({ isTool }) => isTool);
  for (const [file, text] of Object.entries(written)) {
    await mkdir(dirname(join(target, file)), { recursive: true });
    await writeFile(join(target, file), text);
  }
  const copied = join('data', data.name);
  await mkdir(join(target, 'data'), { recursive: true });
  await copyFile(data.path, join(target, copied));
  return [...tools, ...Object.keys(written), copied];
}

/** Files of the template that are about tools, and not about the sample. */
const toolFiles: readonly string[] = ['.gitignore', '.npmrc', 'jest.config.js', 'tsconfig.json'];

async function copyTemplate(
  target: string,
  name: string,
  wanted: (file: { readonly isTool: boolean }) => boolean = () => true,
): Promise<readonly string[]> {
  const entries = await readdir(templateFolder, { recursive: true, withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries.filter((each) => each.isFile())) {
    const source = join(entry.parentPath, entry.name);
    const file = join(relative(templateFolder, entry.parentPath), packedAs[entry.name] ?? entry.name);
    if (!wanted({ isTool: toolFiles.includes(file) })) continue;
    const text = await readFile(source, 'utf8');
    await mkdir(dirname(join(target, file)), { recursive: true });
    await writeFile(join(target, file), text.replaceAll('{{name}}', name));
    files.push(file);
  }
  return files;
}

function projectManifest(name: string, request: ProjectRequest, own: OwnManifest): object {
  return {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    engines: { node: '>=20.19' },
    scripts: {
      test: 'node --experimental-vm-modules node_modules/jest/bin/jest.js',
      check: 'tsc --noEmit',
      dev: 'perdura dev',
    },
    dependencies: { perdura: dependencySpec(request, own.version) },
    devDependencies: Object.fromEntries(developed.map((each) => [each, own.devDependencies[each]])),
    overrides: own.overrides,
  };
}

/** A path is typed against the folder of the call, but npm reads it from the new project. */
function dependencySpec({ folder, target, perdura }: ProjectRequest, version: string): string {
  if (perdura === null) return version;
  if (!perdura.startsWith('file:')) return perdura;
  return `file:${relative(resolve(folder, target), resolve(folder, perdura.slice('file:'.length)))}`;
}
