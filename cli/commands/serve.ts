import { hostname } from 'node:os';

import { readConfig } from '../../project/config.ts';
import { startModelServer } from '../../serving/start-process.ts';
import { connectServices } from '../connect.ts';
import type { Context } from '../context.ts';
import { withCleanup } from '../processes.ts';

/** `perdura serve`: one model server in the foreground, until Ctrl-C or until it dies. */
export async function serve(
  { output, environment, folder }: Context,
  options: { readonly port?: number },
): Promise<number> {
  return withCleanup({ exitCode: 0, onStopping: () => output.progress('Stopping') }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const { s3 } = await connectServices(config, { cleanup, onProgress: output.progress });
    const started = await startModelServer({
      s3,
      homeFolder: config.homeFolder,
      port: options.port ?? config.serving.port,
      replica: replicaName(process.pid),
    });
    cleanup.add(() => started.stop());
    output.answer({ url: started.url, pid: started.pid }, () => `Model server at ${started.url}. Ctrl-C stops it.`);
    const code = await started.exited;
    output.progress(`The model server ended with ${code ?? 'a signal'}.`);
    return 1;
  });
}

/** Names this server in the inference log: no two of a bucket may share it. */
export function replicaName(pid: number): string {
  return `${hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-')}-${pid}`;
}
