import { join } from 'node:path';

import type { Client } from '@temporalio/client';

import type { Config, ServiceAddresses } from '../domain/config.ts';
import { connectTemporal } from '../workers/client.ts';
import { startWorker } from '../workers/start-process.ts';
import { connectServices } from './connect.ts';
import { usageError } from './errors.ts';
import type { Output } from './output.ts';
import { hasWorker } from './own-worker.ts';
import type { Cleanup } from './processes.ts';

type Connecting = {
  readonly config: Config;
  readonly output: Output;
  readonly cleanup: Cleanup;
  readonly ownWorker: boolean;
};

/**
 * Temporal and S3, with a worker of this command's own where none works.
 *
 * @throws CodedError INPUT_INVALID when none works and `ownWorker` says that one of this command's would end too soon.
 */
export async function connectWithWorker({
  config,
  output,
  cleanup,
  ownWorker,
}: Connecting): Promise<{ readonly client: Client; readonly addresses: ServiceAddresses }> {
  const addresses = await connectServices(config, { cleanup, onProgress: output.progress });
  const temporal = await connectTemporal(addresses.temporal);
  // Not closed: a call that is tried again on a closed connection throws past everyone. The process ends with the command.
  const connected = { client: temporal.client, addresses };
  if (await hasWorker(temporal.client, config)) return connected;
  if (!ownWorker)
    throw usageError(
      'INPUT_INVALID',
      "--no-follow needs a worker that goes on. Start 'perdura dev' or 'perdura worker' first.",
    );
  await startOwnWorker(addresses, { config, output, cleanup });
  return connected;
}

async function startOwnWorker(
  addresses: ServiceAddresses,
  { config, output, cleanup }: Omit<Connecting, 'ownWorker'>,
): Promise<void> {
  output.progress('Starting a worker');
  const worker = await startWorker({
    addresses,
    projectFolder: config.projectFolder,
    homeFolder: config.homeFolder,
    queues: ['control', 'data', 'gpu'],
    buildFolder: join(config.homeFolder, 'build'),
    retainDays: config.retainDays,
    trustedKeys: config.trustedKeys,
  });
  cleanup.add(() => worker.stop());
}
