import { join } from 'node:path';

import type { Config, ServiceAddresses } from '../../domain/config.ts';
import { CodedError } from '../../domain/errors.ts';
import { readConfig } from '../../project/config.ts';
import { loadProject, type Project } from '../../project/load.ts';
import { startModelServer } from '../../serving/start-process.ts';
import { connectTemporal } from '../../workers/client.ts';
import { startWorker } from '../../workers/start-process.ts';
import { connectServices } from '../connect.ts';
import type { Context } from '../context.ts';
import { announceDev, findDev, type ModelServerUrls } from '../dev-state.ts';
import { heading, type Output } from '../output.ts';
import { type Child, type Cleanup, keepAlive, type KeptChild, withCleanup } from '../processes.ts';
import { type KeptSchedule, keepSchedules } from '../schedules.ts';
import { replicaName, type ServeOptions, servingOf } from './serve.ts';

/** `perdura dev`: services, worker and model server, kept up until Ctrl-C. */
export async function dev({ output, environment, folder }: Context): Promise<number> {
  return withCleanup({ exitCode: 0, onStopping: () => output.progress('Stopping') }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const project = await loadProject(config.projectFolder);
    await refuseSecond(config);
    const addresses = await connectServices(config, { cleanup, onProgress: output.progress });
    const started = { config, project, addresses, output, cleanup };
    const worker = await keepWorker(started);
    const server = await keepModelServer(started);
    const { url: modelServer, grpcUrl, adminUrl } = server.first;
    const buildFolder = join(config.homeFolder, 'build');
    const temporal = await connectTemporal(addresses.temporal);
    cleanup.add(() => temporal.close());
    const schedules = await keepSchedules(temporal.client, project, { buildFolder });
    const urls = { modelServer, grpcUrl, adminUrl };
    cleanup.add(await announceDev(config.homeFolder, urls));
    output.answer(
      { pid: process.pid, addresses: shareable(addresses), ...urls, pipelines: pipelineNames(project), schedules },
      () => describe({ project, addresses, urls, schedules }),
    );
    const why = await Promise.race([worker.gaveUp, server.gaveUp]);
    throw new CodedError('SERVICE_UNAVAILABLE', `${why} Read the logs in ${join(config.homeFolder, 'logs')}.`);
  });
}

type Started = {
  readonly config: Config;
  readonly project: Project;
  readonly addresses: ServiceAddresses;
  readonly output: Output;
  readonly cleanup: Cleanup;
};

async function refuseSecond(config: Config): Promise<void> {
  const other = await findDev(config.homeFolder);
  if (other === null) return;
  throw new CodedError(
    'CONFLICT',
    `'perdura dev' runs already for ${config.homeFolder} (pid ${other.owner.pid}). Stop it first, or set PERDURA_HOME to another folder.`,
    { details: { pid: other.owner.pid } },
  );
}

/** Five crashes within a minute are no accident. */
const bounds = { restarts: 5, withinMs: 60_000, now: () => Date.now() };

async function keepWorker({ config, project, addresses, output, cleanup }: Started): Promise<KeptChild<Child>> {
  output.progress('Starting the worker');
  const worker = await keepAlive<Child>({
    ...bounds,
    name: 'worker',
    onLine: output.progress,
    start: () =>
      startWorker({
        addresses,
        projectFolder: project.folder,
        homeFolder: config.homeFolder,
        queues: ['control', 'data', 'gpu'],
        buildFolder: join(config.homeFolder, 'build'),
        retainDays: config.retainDays,
        trustedKeys: config.trustedKeys,
      }),
  });
  cleanup.add(() => worker.stop());
  return worker;
}

type ModelServer = Awaited<ReturnType<typeof startModelServer>>;

async function keepModelServer({ config, addresses, output, cleanup }: Started): Promise<KeptChild<ModelServer>> {
  output.progress('Starting the model server');
  const server = await keepAlive<ModelServer>({
    ...bounds,
    name: 'model server',
    onLine: output.progress,
    start: (before) =>
      startModelServer({
        s3: addresses.s3,
        homeFolder: config.homeFolder,
        // Clients know the address: one that is started again must answer there.
        ...servingOf(config, before === null ? {} : portsOf(before)),
        replica: replicaName(process.pid),
        onlineStore: config.onlineStore.url,
        trustedKeys: config.trustedKeys,
      }),
  });
  cleanup.add(() => server.stop());
  return server;
}

function portsOf({ url, grpcUrl, adminUrl }: ModelServer): ServeOptions {
  return {
    port: Number(new URL(url).port),
    grpcPort: Number(grpcUrl.slice(grpcUrl.lastIndexOf(':') + 1)),
    adminPort: Number(new URL(adminUrl).port),
  };
}

function pipelineNames(project: Project): readonly string[] {
  return project.pipelines.map((pipeline) => pipeline.name);
}

/** Without the keys: a document on stdout ends up in logs. */
function shareable({ temporal, s3 }: ServiceAddresses) {
  return {
    temporal: { address: temporal.address, namespace: temporal.namespace, uiUrl: temporal.uiUrl },
    s3: { endpoint: s3.endpoint, region: s3.region, bucket: s3.bucket },
  };
}

type Shown = Pick<Started, 'project' | 'addresses'> & {
  readonly urls: ModelServerUrls;
  readonly schedules: readonly KeptSchedule[];
};

function describe({ project, addresses, urls, schedules }: Shown): string {
  const { temporal, s3 } = addresses;
  const scheduled = new Map(schedules.map(({ pipeline, when }) => [pipeline, when]));
  return [
    `${heading(project.name)} is up. Ctrl-C stops it.`,
    `  Temporal      ${temporal.address}${temporal.uiUrl === null ? '' : `, web UI ${temporal.uiUrl}`}`,
    `  S3            ${s3.endpoint ?? `AWS ${s3.region}`}, bucket ${s3.bucket}`,
    `  model server  ${urls.modelServer}, gRPC ${urls.grpcUrl}, metrics ${urls.adminUrl}/metrics`,
    ...project.pipelines.map(
      ({ name }) => `  pipeline      ${name}${scheduled.has(name) ? `, ${scheduled.get(name)}` : ''}`,
    ),
    ...(project.pipelines.length === 0 ? ['  no pipelines yet: write pipelines/<name>/pipeline.ts'] : []),
  ].join('\n');
}
