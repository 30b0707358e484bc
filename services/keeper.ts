/**
 * Process entry: starts servers for its parent and ends them when the parent goes, whatever way it goes: the channel between the two
 * closes even after kill -9. It leads a process group of its own, so that Ctrl-C reaches the parent first, which may then stop in order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { KeeperReport, KeeperRequest, ServerCommand } from './keeper-messages.ts';
import { boundToParent } from './run-program.ts';

const graceMs = 8_000;
const servers = new Map<string, ChildProcess>();
let closing = false;

process.on('message', (request: KeeperRequest) => {
  if (request.type === 'start') start(request.server);
  else servers.get(request.name)?.kill(request.signal);
});
process.on('disconnect', () => void close());
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void close());
report({ type: 'ready' });

function start(server: ServerCommand): void {
  if (closing) return;
  const log = openSync(server.logFile, 'a', 0o600);
  const [program = '', ...args] = boundToParent(server.command);
  const child = spawn(program, args, { env: server.environment, stdio: ['ignore', log, log] });
  closeSync(log);
  servers.set(server.name, child);
  child.once('error', (error) => {
    servers.delete(server.name);
    report({ type: 'refused', name: server.name, reason: error.message });
  });
  child.once('exit', (code, signal) => {
    servers.delete(server.name);
    report({ type: 'exited', name: server.name, how: signal === null ? `code ${code}` : signal });
  });
  if (child.pid !== undefined) report({ type: 'started', name: server.name, pid: child.pid });
}

/** First the polite signal, so that state is written; after the grace the other one. */
async function close(): Promise<void> {
  if (closing) return;
  closing = true;
  for (const child of servers.values()) child.kill('SIGTERM');
  const end = Date.now() + graceMs;
  while (servers.size > 0 && Date.now() < end) await delay(20);
  for (const child of servers.values()) child.kill('SIGKILL');
  process.exit(0);
}

/** The parent may be gone: then nobody needs to know. */
function report(message: KeeperReport): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
