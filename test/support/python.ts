import { homedir } from 'node:os';
import { join } from 'node:path';
import { pythonEnvironment } from '../../training/program/python-environment.ts';

/** Where tests keep built environments: shared by all test runs of a machine, because some take minutes to build. */
export const environmentsFolder = join(process.env['PERDURA_CACHE'] ?? join(homedir(), '.cache', 'perdura'), 'python');

/** The path of a Python that has the packages of a requirements file with hashes: built once, then kept. Rejects where it cannot be built. */
export async function pythonWith(requirementsFile: string): Promise<string> {
  const { folder } = await pythonEnvironment(requirementsFile, environmentsFolder, {
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  return join(folder, 'bin', 'python');
}
