import { toFailure } from '../domain/failure.ts';
import { startServer } from './control/server.ts';
import { readServingConfig } from './serving-config.ts';

/** What the process tells the one that forked it. */
export type ServingMessage =
  | { readonly type: 'ready'; readonly url: string; readonly grpcUrl: string; readonly adminUrl: string }
  /** Those that answer, whenever they change. */
  | { readonly type: 'answering'; readonly pids: readonly number[] }
  | { readonly type: 'failed'; readonly failure: ReturnType<typeof toFailure> };

function tell(message: ServingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, () => resolve());
  });
}

/** SIGTERM, Ctrl-C and the end of the parent, however it ended, all mean: finish and go. */
async function serve(): Promise<void> {
  const stop = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(signal, () => resolve());
    // The parent may be gone before anyone listened.
    if (process.send !== undefined && !process.connected) resolve();
  });
  const config = readServingConfig(process.env);
  // It holds the bucket's keys: children get their own, without them.
  delete process.env['PERDURA_SERVING_CONFIG'];
  const starting = startServer(config, {
    onAnswering: (pids) => void tell({ type: 'answering', pids }),
  });
  const server = await Promise.race([starting, stop.then(() => null)]);
  // Told to stop before it answered anything: its children end with it.
  if (server === null) return;
  const { url, grpcUrl, adminUrl } = server;
  await tell({ type: 'ready', url, grpcUrl, adminUrl });
  if (process.send === undefined) console.log(server.url);
  await stop;
  await server.drain();
}

try {
  await serve();
  process.exit(0);
} catch (error) {
  console.error(error);
  await tell({ type: 'failed', failure: toFailure(error) });
  process.exit(1);
}
