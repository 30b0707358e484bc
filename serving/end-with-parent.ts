import { Worker } from 'node:worker_threads';

/** What a child finds the process id of its control process under. */
const variable = 'PERDURA_CONTROL_PID';
/** Two looks that find the parent gone end this process: `onGone` has had the time between them. */
const lookEveryMs = 3_000;

/** What to add to a child's environment for `endWithParent`. */
export const parentEnvironment = (): Readonly<Record<string, string>> => ({ [variable]: String(process.pid) });

/**
 * Ends this process with the one that forked it, at whatever moment that one ends: `onGone` is called at once, and a few seconds later the
 * process is killed. A thread of its own watches, since a package's code may never give the event loop back.
 */
export function endWithParent(onGone: () => void): void {
  const parent = Number(process.env[variable] ?? process.ppid);
  new Worker(watcher, {
    eval: true,
    workerData: { parent, lookEveryMs },
    // A small heap: the thread has one timer.
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
  }).unref();
  process.once('disconnect', onGone);
  // It may have gone while this process was loading, before anyone listened.
  if (!process.connected) onGone();
}

/** Not a file of its own: it must run the same whether the process began from a source or a built file. */
const watcher = `
const { workerData: { parent, lookEveryMs } } = require('node:worker_threads');
let seenGone = false;
setInterval(() => {
  if (process.ppid === parent) return;
  if (seenGone) process.kill(process.pid, 'SIGKILL');
  seenGone = true;
}, lookEveryMs);
`;
