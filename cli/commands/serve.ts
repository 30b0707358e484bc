import { hostname } from 'node:os';

import type { Config } from '../../domain/config.ts';
import { readConfig } from '../../project/config.ts';
import { startModelServer } from '../../serving/start-process.ts';
import { embedsS3 } from '../../services/addresses.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import { connectS3 } from '../connect.ts';
import type { Context } from '../context.ts';
import { withCleanup } from '../processes.ts';

/** What `perdura serve` may be told; each comes before its setting. */
export type ServeOptions = {
  readonly host?: string;
  readonly port?: number;
  readonly grpcPort?: number;
  readonly adminPort?: number;
  readonly processes?: number;
};

/** A replica's name has 50 characters; process ids have 7 at most, after a hyphen. */
const longestHostName = 42;

/** `perdura serve`: one model server in the foreground, until Ctrl-C or until it dies. */
export async function serve({ output, environment, folder }: Context, options: ServeOptions): Promise<number> {
  return withCleanup({ exitCode: 0, onStopping: () => output.progress('Stopping') }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const s3 = await connectS3(config, { cleanup, onProgress: output.progress });
    // A given bucket may be away for now: the server then starts from its local copies.
    if (embedsS3(config)) await ensureBucket(s3);
    const started = await startModelServer({
      s3,
      homeFolder: config.homeFolder,
      ...servingOf(config, options),
      replica: replicaName(process.pid),
      onlineStore: config.onlineStore.url,
      trustedKeys: config.trustedKeys,
    });
    cleanup.add(() => started.stop());
    const { url, grpcUrl, adminUrl, pid } = started;
    output.answer(
      { url, grpcUrl, adminUrl, pid },
      () => `Model server at ${url}, gRPC at ${grpcUrl}, metrics at ${adminUrl}/metrics. Ctrl-C stops it.`,
    );
    const code = await started.exited;
    output.progress(`The model server ended with ${code ?? 'a signal'}.`);
    return 1;
  });
}

/** The settings of a model server, those that the command line names first. */
export function servingOf({ serving }: Config, options: ServeOptions = {}) {
  const { processes, ...others } = { ...serving, ...options };
  return processes === null ? others : { ...others, processes };
}

/**
 * Names this server in the inference log: no two of a bucket may share it. Of a long host name the end is kept, which is what tells the pods of
 * a deployment apart.
 */
export function replicaName(pid: number, host = hostname()): string {
  const name = host.replaceAll(/[^A-Za-z0-9.-]/g, '-').slice(-longestHostName);
  return `${name.replace(/^[.-]+/, '')}-${pid}`.replace(/^-/, '');
}
