import { chmod } from 'node:fs/promises';
import path from 'node:path';
import { downloadFile, downloadText } from './download.ts';
import type { Platform, ServerProgram } from './programs.ts';
import { extractFromTar } from './tar.ts';

/** What a step of the resolver gets: an empty folder of its own in the cache, and where to tell how far it is. */
export type StepOptions = { readonly folder: string; readonly onProgress: (line: string) => void };

/**
 * Downloads a program from the official release, checks it against the checksums that the release publishes, and unpacks it.
 *
 * @returns the path of the program, inside the step's folder.
 * @throws Error that says in one line what went wrong; CodedError DISK_FULL.
 */
export async function downloadRelease(
  program: ServerProgram,
  options: StepOptions & { readonly host: string; readonly platform: Platform },
): Promise<string> {
  const { os, arch } = options.platform;
  const archive = program.archive(options.platform);
  if (archive === null) throw new Error(`there is no release for ${os} on ${arch}`);
  const base = `${options.host}/${program.releasePath}/${program.version}`;
  const sha256 = publishedChecksum(await downloadText(`${base}/checksums.txt`), archive);
  if (sha256 === null) throw new Error(`${base}/checksums.txt does not list ${archive}`);
  const file = path.join(options.folder, archive);
  await downloadFile(`${base}/${archive}`, file, {
    sha256,
    folder: options.folder,
    onProgress: (done) => options.onProgress(`downloading, ${done}`),
  });
  const target = path.join(options.folder, program.name);
  if (!(await extractFromTar(file, program.name, target)))
    throw new Error(`${archive} holds no file '${program.name}'`);
  await chmod(target, 0o755);
  return target;
}

/** Lines of sha256sum: 64 hex digits, white space, perhaps a star, the name. */
export function publishedChecksum(checksums: string, file: string): string | null {
  for (const line of checksums.split('\n')) {
    const [sha256, name] = line.trim().split(/\s+\*?/);
    if (name === file && sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256)) return sha256;
  }
  return null;
}
