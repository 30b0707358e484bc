import type { WorkerProcessOptions } from './run-worker.ts';
import { toFailure } from '../domain/failure.ts';
import { readConfig } from '../project/config.ts';
import { runWorker } from './run-worker.ts';

/** A worker whose parent is gone may take so long to finish. */
const orphanMs = 5_000;

/** The worker process: hosts what PERDURA_WORKER_OPTIONS names, tells its parent when it is ready, and ends with its parent. */
async function main(): Promise<void> {
  const options = JSON.parse(process.env['PERDURA_WORKER_OPTIONS'] ?? '{}') as WorkerProcessOptions;
  const { cacheFolder } = readConfig(process.env, options.projectFolder);
  const python = process.env['PERDURA_PYTHON']?.trim() || 'python3';
  const worker = await runWorker({ ...options, cacheFolder, python });
  process.on('SIGTERM', () => worker.shutdown());
  // The terminal sends Ctrl-C to the whole group; the parent decides the order in which its children end.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => {
    worker.shutdown();
    // The services may be gone with the parent: then there is nobody to report the last steps to.
    setTimeout(() => process.exit(1), orphanMs).unref();
  });
  process.send?.({ type: 'ready', pid: process.pid });
  await worker.done;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  process.send?.({ type: 'failed', failure: toFailure(error, 'PROJECT_INVALID') });
  console.error(error);
  process.exit(1);
}
