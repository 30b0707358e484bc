import { Worker } from 'node:worker_threads';

/** A thread of its own looks on: the main one may be in a feature function that never returns, and hears nothing. */
const watching = `
  const { workerData: { parent, graceMs, lookEveryMs } } = require('node:worker_threads');
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking);
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs);
  }, lookEveryMs);
`;

const lookEveryMs = 1_000;

/** Ends this process `graceMs` after its parent is gone, where it has not ended by itself by then. */
export function endWithParent(graceMs: number): void {
  new Worker(watching, { eval: true, workerData: { parent: process.ppid, graceMs, lookEveryMs } }).unref();
}
