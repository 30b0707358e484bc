import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { identify, isAlive, type ProcessIdentity } from '../services/process-identity.ts';

/** Where a model server answers: on REST, on gRPC (`host:port`), and its admin port. */
export type ModelServerUrls = { readonly modelServer: string; readonly grpcUrl: string; readonly adminUrl: string };

/** What a running `perdura dev` tells other commands of the same home folder. */
export type DevState = { readonly owner: ProcessIdentity } & ModelServerUrls;

/** Leaves word that this process is the project's `perdura dev`; the function that comes back takes it away. */
export async function announceDev(homeFolder: string, urls: ModelServerUrls): Promise<() => Promise<void>> {
  const file = stateFile(homeFolder);
  const owner = identify(process.pid) ?? { pid: process.pid, started: null };
  await mkdir(homeFolder, { recursive: true });
  await writeFile(`${file}.${process.pid}`, JSON.stringify({ owner, ...urls } satisfies DevState));
  await rename(`${file}.${process.pid}`, file);
  return () => rm(file, { force: true });
}

/** The running `perdura dev`, or null; what a killed one left behind does not count. */
export async function findDev(homeFolder: string): Promise<DevState | null> {
  const text = await readFile(stateFile(homeFolder), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const state = JSON.parse(text) as DevState;
    return isAlive(state.owner) ? state : null;
  } catch {
    return null;
  }
}

function stateFile(homeFolder: string): string {
  return join(homeFolder, 'dev.json');
}
