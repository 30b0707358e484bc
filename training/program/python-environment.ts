import { createHash } from 'node:crypto';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../domain/errors.ts';
import type { PythonEnvironment } from '../../domain/training-record.ts';
import { buildScript, describeScript } from './python-scripts.ts';
import { runPython } from './run-python.ts';

/** A virtual environment on this disk: `bin/python` is in its folder. */
export type BuiltEnvironment = PythonEnvironment & { readonly folder: string };

export type PythonEnvironmentOptions = {
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
  /** The Python that makes it; `python3` of the PATH where it is left out. */
  readonly python?: string;
};

/** What a Python says of itself: everything that decides which wheels fit. */
type Interpreter = { readonly version: string; readonly platform: string };

/** Written last: a folder without it was left half-way. */
const markFile = 'perdura-environment.json';

/**
 * The Python environment of a requirements file with hashes, built where it does not stand yet: once, however many ask at the same time, because
 * the builder holds a lock of the system that ends with it. Where it stands no network is needed. It is named by the digest of the
 * file's bytes, the Python version and the platform.
 *
 * @throws CodedError ENVIRONMENT_UNOBTAINABLE with what a person can do; the signal's reason when it was aborted.
 * @example
 * const { folder } = await pythonEnvironment('requirements.txt', environmentsFolder, { signal, onProgress: console.log });
 */
export async function pythonEnvironment(
  requirementsFile: string,
  environmentsFolder: string,
  options: PythonEnvironmentOptions,
): Promise<BuiltEnvironment> {
  const python = options.python ?? 'python3';
  const requirements = await readRequirements(requirementsFile);
  const interpreter = await describe(python, options);
  const digest = createHash('sha256')
    .update(JSON.stringify([requirements.toString('base64'), interpreter.version, interpreter.platform]))
    .digest('hex');
  const folder = join(environmentsFolder, digest.slice(0, 32));
  const standing = await readMark(folder, digest);
  if (standing !== null) return standing;

  await mkdir(environmentsFolder, { recursive: true });
  options.onProgress(`building the Python environment of ${requirementsFile}`);
  const built = await runPython(python, ['-I', '-c', buildScript, folder, requirementsFile, digest, markFile], options);
  if (built.code !== 0) throw unobtainable(requirementsFile, interpreter, built.lastLines);
  const made = await readMark(folder, digest);
  if (made === null) throw unobtainable(requirementsFile, interpreter, `${folder} has no ${markFile}`);
  return made;
}

async function readRequirements(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new CodedError(
      'ENVIRONMENT_UNOBTAINABLE',
      `The requirements file ${file} cannot be read. Correct 'environment.requirements' of the trainer: a path relative to the project, or perdura:lightgbm, perdura:sklearn, perdura:torch.`,
      { cause, details: { file } },
    );
  }
}

async function describe(python: string, options: PythonEnvironmentOptions): Promise<Interpreter> {
  const told = await runPython(python, ['-I', '-c', describeScript], { ...options, onProgress: () => undefined });
  const [version, platform] = told.lastLines.split('\n');
  if (told.code === 0 && version !== undefined && platform !== undefined) return { version, platform };
  throw new CodedError(
    'ENVIRONMENT_UNOBTAINABLE',
    `The Python '${python}' cannot be run: ${told.lastLines}. Install Python 3.10 or later with its venv module, or set PERDURA_PYTHON to the path of one.`,
    { details: { python } },
  );
}

/** What a finished builder wrote; null where none has finished, or where the Python that it was made with is gone. */
async function readMark(folder: string, digest: string): Promise<BuiltEnvironment | null> {
  try {
    const mark = JSON.parse(await readFile(join(folder, markFile), 'utf8')) as PythonEnvironment;
    // Follows the link to the Python that made it.
    await access(join(folder, 'bin', 'python'));
    return mark.digest === digest ? { ...mark, folder } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

function unobtainable(file: string, { version, platform }: Interpreter, lines: string): CodedError {
  return new CodedError(
    'ENVIRONMENT_UNOBTAINABLE',
    [
      `The Python environment of ${file} could not be built with Python ${version} on ${platform}: ${lines}`,
      'Do one of these:',
      '- reach the package index: an open network, or pip settings (PIP_INDEX_URL, PIP_PROXY, pip.conf) for the one that you have;',
      '- set PERDURA_PYTHON to a Python that the pinned wheels are made for;',
      '- pin the requirements anew, with hashes, for this Python and platform;',
      "- leave 'environment' out and install the packages for the python3 of the PATH.",
    ].join('\n'),
    { details: { file, python: version, platform } },
  );
}
