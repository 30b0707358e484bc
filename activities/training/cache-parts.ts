import { execFile } from 'node:child_process';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, delimiter, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { canonicalJson } from '../../domain/canonical-json.ts';
import type { StepCacheParts } from '../../domain/step-cache.ts';
import type { ProgramTrainer } from '../../domain/trainer.ts';
import { sha256File, sha256Hex } from '../../stores/digest.ts';
import { mapParallel } from '../../stores/parallel.ts';
import type { TrainingRequest } from './contract.ts';
import type { TrainingDependencies } from './dependencies.ts';

type Dependencies = Pick<TrainingDependencies, 'environment' | 'projectFolder' | 'python'>;

/** What of an attempt belongs to its key. `device` is the device's name; null: the CPU. */
export type AttemptParts = {
  readonly featuresFile: string;
  readonly activitiesFile: string | null;
  readonly device: string | null;
};

const ownTrainers = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../trainers/' : '../../../trainers/', import.meta.url),
);
const ownTraining = fileURLToPath(new URL('../../training/', import.meta.url));
const skipped = new Set(['node_modules', '__pycache__', 'dist']);
/** Scripts call others, and read settings that lie beside them. */
const scripts = /\.(?:py|r|jl|[cm]?[jt]s|sh|bash|pl|rb|sql|json|ya?ml|toml|ini|cfg)$/i;
const parallelReads = 8;

/**
 * Everything that a training's result follows from, as plain JSON. For a program: its script, and every script and setting below the script's
 * folder, because a script imports others. What a program reads beyond that, no key can know.
 */
export async function cacheParts(
  dependencies: Dependencies,
  request: TrainingRequest,
  attempt: AttemptParts,
): Promise<StepCacheParts> {
  const { trainer, seed, data, target, from } = request;
  return {
    code: {
      features: await sha256File(attempt.featuresFile),
      trainer: await ownCode(ownTraining),
      ...(await programCode(dependencies, request, attempt)),
    },
    inputs: { data, target, from: from?.file.sha256 ?? null },
    params: { trainer, seed },
    environment: {
      perdura: dependencies.environment.perdura,
      node: dependencies.environment.node.split('.')[0],
      device: attempt.device ?? 'cpu',
      ...(await programEnvironment(dependencies, request)),
    },
  };
}

/** The built-in trainer runs our own code alone. */
async function programCode(
  dependencies: Dependencies,
  { trainer }: TrainingRequest,
  { activitiesFile }: AttemptParts,
): Promise<Readonly<Record<string, unknown>>> {
  switch (trainer.kind) {
    case 'dense':
      return {};
    case 'activity':
      return { activities: activitiesFile === null ? null : await sha256File(activitiesFile) };
    case 'program':
      return {
        files: await programFiles(dependencies.projectFolder, trainer.command),
        trainers: await ownCode(ownTrainers),
      };
    default:
      return trainer satisfies never;
  }
}

/** Trainers that are not ours may compute differently on another system, with other packages or another interpreter. */
async function programEnvironment(
  { environment, projectFolder, python }: Dependencies,
  { trainer }: TrainingRequest,
): Promise<Readonly<Record<string, unknown>>> {
  switch (trainer.kind) {
    case 'dense':
      return {};
    case 'activity':
      return { platform: environment.platform, lockfile: environment.lockfileSha256 };
    case 'program':
      return {
        platform: environment.platform,
        program: await programDigest(trainer.command[0] ?? ''),
        ...(trainer.environment === null ? {} : await pythonParts(trainer.environment, { projectFolder, python })),
      };
    default:
      return trainer satisfies never;
  }
}

async function pythonParts(
  { requirements }: NonNullable<ProgramTrainer['environment']>,
  { projectFolder, python }: Pick<Dependencies, 'projectFolder' | 'python'>,
): Promise<Readonly<Record<string, unknown>>> {
  const own = requirements.startsWith('perdura:') ? requirements.slice('perdura:'.length) : null;
  const file = own === null ? resolve(projectFolder, requirements) : join(ownTrainers, 'requirements', `${own}.txt`);
  return { requirements: await digestOrNull(file), python: await pythonVersion(python) };
}

/** A Python that cannot be run is told by whoever builds the environment, with what to do. */
async function pythonVersion(python: string): Promise<string | null> {
  try {
    const { stdout, stderr } = await promisify(execFile)(python, ['--version'], { timeout: 10_000 });
    return (stdout + stderr).trim();
  } catch {
    return null;
  }
}

/** Arguments that are files, and for each the files of its kind below its folder. */
async function programFiles(
  projectFolder: string,
  command: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const word of command) {
    const file = resolve(projectFolder, word);
    if (!(await isFile(file))) continue;
    const digests = await folderDigests(dirname(file), kinOf(file, projectFolder));
    for (const [name, sha256] of Object.entries(digests))
      found[relative(projectFolder, join(dirname(file), name))] = sha256;
  }
  return found;
}

/** Beside a program of the system lies everything else of the system: there only the file itself is looked at, unless it is a script. */
function kinOf(file: string, projectFolder: string): (name: string) => boolean {
  const isOurs = !relative(projectFolder, file).startsWith('..');
  if (!isOurs && !scripts.test(file)) return (name) => name === basename(file);
  return (name) => scripts.test(name) || (isOurs && extname(name) === extname(file)) || name === basename(file);
}

/** One digest of a folder of Perdura's own sources, whatever version they call themselves. */
async function ownCode(folder: string): Promise<string> {
  return sha256Hex(canonicalJson(await folderDigests(folder, isSource)));
}

async function folderDigests(
  folder: string,
  isWanted: (name: string) => boolean,
): Promise<Readonly<Record<string, string>>> {
  const names = (await filesBelow(folder)).filter(isWanted).toSorted();
  const digests = await mapParallel(names, parallelReads, async (name) => [name, await sha256File(join(folder, name))]);
  return Object.fromEntries(digests) as Record<string, string>;
}

/** Links are followed, because programs follow them; a link back up is not, and neither is a Python environment. */
async function filesBelow(folder: string, prefix = '', above: readonly string[] = []): Promise<readonly string[]> {
  const here = await realpath(join(folder, prefix));
  const entries = await readdir(here, { withFileTypes: true });
  if (above.includes(here) || entries.some(({ name }) => name === 'pyvenv.cfg')) return [];
  const found = await Promise.all(
    entries.map(async (entry): Promise<readonly string[]> => {
      const name = prefix === '' ? entry.name : `${prefix}${sep}${entry.name}`;
      const kind = entry.isSymbolicLink() ? await stat(join(here, entry.name)).catch(() => null) : entry;
      if (kind?.isFile() === true) return [name];
      if (kind?.isDirectory() !== true || entry.name.startsWith('.') || skipped.has(entry.name)) return [];
      return filesBelow(folder, name, [...above, here]);
    }),
  );
  return found.flat();
}

/** Of a program of the PATH; null where it stands nowhere, which the start of it will tell. */
async function programDigest(word: string): Promise<string | null> {
  if (word.includes(sep)) return null;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (await isFile(join(folder, word))) return sha256File(join(folder, word));
  }
  return null;
}

async function digestOrNull(file: string): Promise<string | null> {
  return (await isFile(file)) ? sha256File(file) : null;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}

function isSource(name: string): boolean {
  return /\.(?:ts|js|py)$/.test(name) && !name.endsWith('.d.ts');
}
