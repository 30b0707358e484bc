import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { downloadFile } from './download.ts';
import { goPlatform, type Platform } from './programs.ts';
import type { StepOptions } from './release.ts';
import { unzip } from './unzip.ts';

/** The toolchain that is taken from the module proxy; it builds both programs. */
export const toolchainVersion = 'go1.26.8';

/**
 * SHA-256 of `golang.org/toolchain/@v/v0.0.1-go1.26.8.<platform>.zip`, each taken after `go mod download` had checked the module against
 * Go's checksum database.
 */
const toolchainSha256: Readonly<Record<string, string>> = {
  'darwin-amd64': 'fe99a2009e5bb51e06d7784f1a486478673512041c2671157bd382806e2aedcf',
  'darwin-arm64': '0aad5fb52b88498885290178adc0bcfe429bc63012621af9f83282eb640bd9c7',
  'linux-amd64': '30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7',
  'linux-arm64': '02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99',
};

/**
 * A Go toolchain in the cache folder, fetched once from the module proxy as one zip of about 70 MB and checked against its pinned digest.
 *
 * @returns the path of the `go` program.
 * @throws Error that says in one line what went wrong; CodedError DISK_FULL.
 */
export async function obtainToolchain(
  cacheFolder: string,
  options: StepOptions & { readonly proxy: string; readonly platform: Platform },
): Promise<string> {
  const platform = goPlatform(options.platform);
  const home = path.join(cacheFolder, 'go', toolchainVersion);
  const program = path.join(home, 'bin', 'go');
  if (await isFile(program)) return program;
  const sha256 = toolchainSha256[platform];
  if (sha256 === undefined) throw new Error(`no Go toolchain is pinned for ${platform}`);
  const name = `v0.0.1-${toolchainVersion}.${platform}`;
  const zip = path.join(options.folder, 'toolchain.zip');
  await downloadFile(`${options.proxy.replace(/\/+$/, '')}/golang.org/toolchain/@v/${name}.zip`, zip, {
    sha256,
    folder: options.folder,
    onProgress: (done) => options.onProgress(`downloading Go, ${done}`),
  });
  options.onProgress('unpacking Go');
  const unpacked = path.join(options.folder, 'toolchain');
  await unpackToolchain(zip, unpacked, name);
  await rm(zip);
  return install(unpacked, home);
}

/**
 * Unpacks a toolchain as the go command itself does: module zips carry neither file modes nor nested go.mod files, so programs are made
 * executable and `_go.mod` gets its name back (cmd/go/internal/toolchain).
 */
export async function unpackToolchain(zip: string, folder: string, name: string): Promise<void> {
  const prefix = `golang.org/toolchain@${name}/`;
  await unzip(zip, folder, (file) => {
    if (!file.startsWith(prefix)) return null;
    return file.slice(prefix.length).replace(/(^|\/)_go\.mod$/, '$1go.mod');
  });
  for (const programs of ['bin', 'pkg/tool']) await makeExecutable(path.join(folder, programs));
}

/** One rename makes the whole toolchain appear at once; whoever was there first is as good. */
async function install(unpacked: string, home: string): Promise<string> {
  const program = path.join(home, 'bin', 'go');
  await mkdir(path.dirname(home), { recursive: true });
  try {
    await rename(unpacked, home);
  } catch (error) {
    if (!(await isFile(program))) throw error;
  }
  return program;
}

async function makeExecutable(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (entry.isFile()) await chmod(path.join(entry.parentPath, entry.name), 0o755);
  }
}

async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
