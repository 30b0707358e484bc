import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { bundleFile } from './bundle.ts';
import { packagesByUrl } from './packages.ts';

/**
 * Imports a TypeScript file of the user's project (activities.ts, schedule.ts), built into `outputFolder`, its packages left
 * outside. The built file is named by its bytes: a changed source is a new module, an unchanged one is the module that Node has.
 *
 * @throws CodedError PROJECT_INVALID with the file and the bundler's message; what the module itself throws passes through.
 */
export async function importModule(file: string, outputFolder: string): Promise<unknown> {
  return import(pathToFileURL(await buildModule(file, outputFolder)).href);
}

/**
 * Builds a TypeScript file of the user's project without running it, for a process that will; gives the built file's path.
 *
 * @throws CodedError PROJECT_INVALID with the file and the bundler's message.
 */
export async function buildModule(file: string, outputFolder: string): Promise<string> {
  const { code } = await bundleFile(file, { platform: 'node', plugins: [packagesByUrl()] });
  const digest = createHash('sha256').update(code).digest('hex').slice(0, 16);
  const output = resolve(join(outputFolder, `${basename(file, extname(file))}-${digest}.mjs`));
  await mkdir(outputFolder, { recursive: true });
  const temporary = `${output}.${randomUUID()}.partial`;
  await writeFile(temporary, code);
  await rename(temporary, output);
  return output;
}
