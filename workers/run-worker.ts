import type { DataFolder } from '../stores/data-files.ts';
import type { Queue, ServiceAddresses } from '../domain/config.ts';
import { join } from 'node:path';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { taskQueue } from '../domain/config.ts';
import { CodedError } from '../domain/errors.ts';
import { loadProject } from '../project/load.ts';
import { sweepLeftovers, sweepScratch } from '../stores/cache-leftovers.ts';
import { endOrphans } from '../training/program/attempt-processes.ts';
import { createS3ObjectStore } from '../stores/objects/s3-object-store.ts';
import { hostedActivities } from './activities.ts';
import { buildWorkflowBundle } from './bundle.ts';
import { connectTemporal } from './client.ts';
import { findEnvironment } from './environment.ts';
import { workerDevices } from './gpu-worker.ts';
import { dataFolderInterceptor } from './interceptors/data-folder.ts';
import { codedFailures } from './interceptors/coded-failures.ts';
import { heartbeats } from './interceptors/heartbeats.ts';

/** What one worker process hosts, and where. */
export type WorkerProcessOptions = {
  readonly addresses: ServiceAddresses;
  readonly projectFolder: string;
  readonly homeFolder: string;
  readonly queues: readonly Queue[];
  /** Where the workflow bundle is written. */
  readonly buildFolder: string;
  /** How long a capsule's objects are locked, in days. */
  readonly retainDays: number;
  /** PEM files of public keys, or folders of them, whose packages are trusted; null: the home folder's own key. */
  readonly trustedKeys: readonly string[] | null;
};

/** What the machine has for all projects, from the environment. */
export type WorkerMachine = {
  /** Programs, and Python environments. */
  readonly cacheFolder: string;
  /** The Python that makes environments. */
  readonly python: string;
};

/** How many activities of one queue a process runs at once: training and scans take a core each, bookkeeping none. */
const slots: Readonly<Record<Queue, number>> = { control: 100, data: 3, gpu: 1 };

/** No step is at one file for two days. */
const leftoversAfterMs = 2 * 86_400_000;

/** A worker that polls; `done` settles after `shutdown`, when its last step has ended. */
export type RunningWorker = { readonly done: Promise<void>; shutdown(): void };

/**
 * Hosts workflows and activities in this process until it is shut down.
 *
 * @throws CodedError SERVICE_UNAVAILABLE or PROJECT_INVALID.
 */
export async function runWorker(options: WorkerProcessOptions & WorkerMachine): Promise<RunningWorker> {
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
  const project = await loadProject(options.projectFolder);
  const bundle = await buildWorkflowBundle(project, options.buildFolder);
  const { environment, lockfile } = await findEnvironment(options.projectFolder, bundle);
  const store = createS3ObjectStore(options.addresses.s3);
  const untouched = { untouchedMs: leftoversAfterMs, now: Date.now() };
  await sweepLeftovers(join(options.homeFolder, 'cache'), untouched);
  await sweepScratch(join(options.homeFolder, 'work'), untouched);
  await endOrphans();
  const temporal = await connectTemporal(options.addresses.temporal);
  const devices = workerDevices(options);
  const activities = await hostedActivities({
    ...options,
    store,
    client: temporal.client,
    project,
    bundle,
    environment,
    lockfile,
    holdDevice: devices.holdDevice,
  });
  const connection = await connect(options.addresses.temporal);

  const workers = await Promise.all(
    options.queues.map((queue) =>
      Worker.create({
        ...common(options, queue, { store, cacheFolder: join(options.homeFolder, 'cache') }),
        connection,
        activities,
        ...(queue === 'control' ? { workflowBundle: { codePath: bundle.file } } : {}),
      }),
    ),
  );
  const registration = await devices.register(store);
  const done = Promise.all(workers.map((worker) => worker.run())).then(async () => {
    await registration?.stop();
    await Promise.all([connection.close(), temporal.close()]);
    store.close();
  });
  return { done, shutdown: () => workers.forEach((worker) => stopPolling(worker)) };
}

function common(options: WorkerProcessOptions, queue: Queue, folder: DataFolder): WorkerOptions {
  return {
    namespace: options.addresses.temporal.namespace,
    taskQueue: taskQueue(queue),
    identity: `${queue}@${process.pid}`,
    maxConcurrentActivityTaskExecutions: slots[queue],
    shutdownGraceTime: '2 seconds',
    shutdownForceTime: '10 seconds',
    maxHeartbeatThrottleInterval: '2 seconds',
    defaultHeartbeatThrottleInterval: '1 second',
    interceptors: {
      activity: [codedFailures, heartbeats, dataFolderInterceptor(folder)].map((inbound) => () => ({ inbound })),
    },
  };
}

async function connect(temporal: ServiceAddresses['temporal']): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect({
      address: temporal.address,
      ...(temporal.apiKey === null ? {} : { apiKey: temporal.apiKey, tls: true }),
    });
  } catch (error) {
    throw new CodedError(
      'SERVICE_UNAVAILABLE',
      `Temporal does not answer at ${temporal.address}. Start it or correct TEMPORAL_ADDRESS.`,
      { cause: error },
    );
  }
}

/** A worker that is stopping already needs no second word. */
function stopPolling(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
}

/** The default place for bundles below a home folder. */
export function buildFolderOf(homeFolder: string): string {
  return join(homeFolder, 'build');
}
