import type { Config } from '../domain/config.ts';
import { type Scene, pipeline } from './scene.ts';
import type { Stack } from './scoped.ts';
import { join } from 'node:path';
import { openPipelineFeatures } from '../cli/pipeline-features.ts';
import { startModelServer } from '../serving/start-process.ts';
import { startServices } from '../services/start.ts';
import { ensureBucket } from '../stores/objects/bucket.ts';
import { createS3ObjectStore } from '../stores/objects/s3-object-store.ts';
import { connectTemporal } from '../workers/client.ts';
import { buildFolderOf } from '../workers/run-worker.ts';
import { startWorker } from '../workers/start-process.ts';
import { cutMonths } from './months.ts';

/** Starts services, a worker and a model server, and cuts the months; each is on the stack as soon as it stands. */
export async function setUp(config: Config, stack: Stack, say: (line: string) => void): Promise<Scene> {
  const { homeFolder, projectFolder, retainDays, trustedKeys } = config;
  // Closed last: a client that is closed while a call of its own is being tried again throws where nobody can catch it.
  let closeClient = (): Promise<void> => Promise.resolve();
  stack.add(() => closeClient());
  const services = await startServices(config, { onProgress: (line) => say(`  ${line}`) });
  stack.add(() => services.stop());
  const { addresses } = services;
  await ensureBucket(addresses.s3);
  const store = createS3ObjectStore(addresses.s3);
  stack.add(async () => store.close());
  const temporal = await connectTemporal(addresses.temporal);
  closeClient = () => temporal.close();
  const dataFolder = join(homeFolder, 'main-job');
  await cutMonths(dataFolder);
  const buildFolder = buildFolderOf(homeFolder);
  const queues = ['control', 'data'] as const;
  const worker = await startWorker({
    addresses,
    projectFolder,
    homeFolder,
    buildFolder,
    retainDays,
    trustedKeys,
    queues,
  });
  stack.add(() => worker.stop());
  const { port } = config.serving;
  const onlineStore = config.onlineStore.url;
  const server = await startModelServer({
    s3: addresses.s3,
    homeFolder,
    port,
    replica: 'main-job',
    flushEvery: '1 second',
    onlineStore,
    trustedKeys,
  });
  stack.add(() => server.stop());
  const features = await openPipelineFeatures(config, pipeline, stack);
  const { address, uiUrl } = addresses.temporal;
  say(`  Temporal ${address}${uiUrl === null ? '' : `, web UI ${uiUrl}`}`);
  say(`  S3 ${addresses.s3.endpoint ?? 'AWS'}, bucket ${addresses.s3.bucket}`);
  say(`  model server ${server.url}, gRPC ${server.grpcUrl}`);
  const jobId = `job-${Date.now().toString(36)}`;
  const seen = { features, runs: [], traffic: [] };
  const served = { serverUrl: server.url, grpcAddress: server.grpcUrl };
  return { config, addresses, store, client: temporal.client, ...served, dataFolder, jobId, say, ...seen };
}
