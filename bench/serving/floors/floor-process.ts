import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SessionLoop } from './floor-main.ts';

/** A floor in a process of its own, so that its CPU time can be told from the rest. */
export type FloorProcess = { readonly pid: number; readonly port: number; close(): void };

/** The floor of a protocol, its port shared by so many processes. */
export async function startFloor(kind: 'http' | 'grpc', modelFile: string, processes: number): Promise<FloorProcess> {
  const { child, first } = await start(kind, modelFile, processes);
  return { pid: child.pid ?? -1, port: first, close: () => child.disconnect() };
}

/** Runs the session in a loop for so many seconds. */
export async function runSessionLoop(modelFile: string, rows: number, seconds: number): Promise<SessionLoop> {
  const { child } = await start('session', modelFile, 1);
  const answer = once(child, 'message');
  child.send({ rows, seconds });
  const [result] = (await answer) as [SessionLoop];
  child.disconnect();
  return result;
}

async function start(
  kind: string,
  modelFile: string,
  processes: number,
): Promise<{ readonly child: ChildProcess; readonly first: number }> {
  const child = fork(fileURLToPath(new URL('./floor-main.js', import.meta.url)), [kind, modelFile, String(processes)]);
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`The floor '${kind}' ended with ${String(code)} before it answered.`);
  });
  const [first] = (await Promise.race([once(child, 'message'), failed])) as [number];
  failed.catch(() => undefined);
  return { child, first };
}
