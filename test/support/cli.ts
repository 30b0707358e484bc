import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { ServiceAddresses } from '../../domain/config.ts';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** What a command line came to. */
export type CommandResult = { readonly exitCode: number | null; readonly stdout: string; readonly stderr: string };

/** How it is called: `environment` is added to a small one without any setting of this machine's. */
export type CommandOptions = {
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
};

/** Settings of a command that finds its services, the bucket among them, at these addresses. */
export function settingsOf({ s3, temporal }: Pick<ServiceAddresses, 's3'> & Partial<ServiceAddresses>) {
  return {
    ...(temporal !== undefined && { TEMPORAL_ADDRESS: temporal.address }),
    S3_ENDPOINT: s3.endpoint ?? '',
    AWS_ACCESS_KEY_ID: s3.accessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey ?? '',
    PERDURA_BUCKET: s3.bucket,
  };
}

/** Runs the built `perdura` as a child process, as a user's shell does. */
export function perdura(words: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const kept = ['PATH', 'HOME', 'GOPROXY', 'PERDURA_CACHE', 'PERDURA_TEMPORAL_BINARY', 'PERDURA_S3_BINARY'];
  const own = Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  const child = spawn(process.execPath, [program, ...words], {
    cwd: options.folder,
    env: { ...own, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, ...text }));
  });
}
