import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isIdentity } from './lock.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** One server in `services.json`: `process` null when it was stopped; its ports are kept, so that addresses stay valid. */
export type ServerState = {
  readonly process: ProcessIdentity | null;
  readonly port: number;
  /** Of Temporal only. */
  readonly uiPort: number | null;
};

/** `services.json` in the home folder: which embedded servers run, or ran last. */
export type ServicesState = { readonly temporal: ServerState | null; readonly s3: ServerState | null };

/** What the file says; nothing known when there is none or it is damaged: it is only a memory, never the truth about processes. */
export function readState(homeFolder: string): ServicesState {
  try {
    const state: unknown = JSON.parse(readFileSync(fileOf(homeFolder), 'utf8'));
    return { temporal: serverState(state, 'temporal'), s3: serverState(state, 's3') };
  } catch {
    return { temporal: null, s3: null };
  }
}

/** Changes one server's entry. Synchronous, so that two servers that start together do not lose each other's. */
export function writeServerState(homeFolder: string, name: keyof ServicesState, server: ServerState): void {
  const file = fileOf(homeFolder);
  mkdirSync(homeFolder, { recursive: true });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ ...readState(homeFolder), [name]: server }, null, 2)}\n`);
  renameSync(temporary, file);
}

function fileOf(homeFolder: string): string {
  return path.join(homeFolder, 'services.json');
}

function serverState(state: unknown, name: keyof ServicesState): ServerState | null {
  const server: unknown = new Map<string, unknown>(Object.entries(Object(state))).get(name);
  if (typeof server !== 'object' || server === null || !('port' in server) || typeof server.port !== 'number')
    return null;
  const uiPort = 'uiPort' in server && typeof server.uiPort === 'number' ? server.uiPort : null;
  const owner = 'process' in server && isIdentity(server.process) ? server.process : null;
  return { process: owner, port: server.port, uiPort };
}
