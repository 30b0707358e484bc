import type { Client, WorkflowHandle } from '@temporalio/client';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { type ServiceAddresses, taskQueue } from '../../domain/config.ts';
import type { RunKey } from '../../domain/run.ts';
import { type ModelServerProcess, startModelServer } from '../../serving/start-process.ts';
import { startS3, startTemporal } from '../../services/start.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { connectTemporal } from '../../workers/client.ts';
import { startWorker, type WorkerProcess } from '../../workers/start-process.ts';
import { type AwaitedWrite, openS3Gate } from './s3-gate.ts';
import { type CommandResult, perdura, settingsOf } from '../support/cli.ts';
import { embeddedConfig, temporaryFolder } from '../support/embedded.ts';
import { useTestKey } from '../support/test-key.ts';

/** Services, a bucket, a worker on a project and a model server, all of this test file alone: task queues have fixed names. */
export type Stage = {
  readonly addresses: ServiceAddresses;
  readonly store: ReturnType<typeof createS3ObjectStore>;
  readonly client: Client;
  readonly server: ModelServerProcess;
  readonly homeFolder: string;
  readonly projectFolder: string;
  workerPid(): number;
  startWorker(): Promise<void>;
  /** SIGKILL; returns when the process is gone. */
  killWorker(): Promise<void>;
  /** SIGKILL after the worker's write has landed in S3 and before the worker hears of it. */
  killWorkerAfter(write: AwaitedWrite): Promise<void>;
  /** SIGKILL, and a new one on the same state and port. */
  restartTemporal(): Promise<void>;
  killS3(): Promise<void>;
  startS3(): Promise<void>;
  close(): Promise<void>;
};

const quiet = { onProgress: () => undefined };

/** Starts all of it with the project that `write` puts into a new folder, or with the project of a folder that is there. */
export async function openStage(project: string | ((folder: string) => Promise<void>)): Promise<Stage> {
  const folder = temporaryFolder();
  const [homeFolder, projectFolder] = [join(folder, 'home'), typeof project === 'string' ? project : join(folder, 'p')];
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
  };
  try {
    if (typeof project !== 'string') await project(projectFolder);
    await useTestKey(homeFolder);
    return { ...(await start({ homeFolder, projectFolder, stops })), homeFolder, projectFolder, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** For replays in this process: Temporal's runtime tells each expected failure in long lines. Once for each test file. */
export function quietRuntime(): void {
  const logging = { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) };
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging } });
}

type Places = {
  readonly homeFolder: string;
  readonly projectFolder: string;
  readonly stops: (() => Promise<unknown>)[];
};

async function start(places: Places): Promise<Omit<Stage, 'homeFolder' | 'projectFolder' | 'close'>> {
  const { homeFolder, stops } = places;
  quietRuntime();
  const config = embeddedConfig(homeFolder);
  let temporal = await startTemporal(config, quiet);
  stops.push(() => temporal.stop());
  let s3 = await startS3(config, quiet);
  stops.push(() => s3.stop());
  const addresses = { temporal: temporal.address, s3: s3.address };
  await ensureBucket(addresses.s3);
  const store = createS3ObjectStore(addresses.s3);
  stops.push(async () => store.close());
  const { client, close } = await connectTemporal(addresses.temporal);
  stops.push(close);
  const worker = await openWorker(places, addresses);
  const server = await startModelServer({
    s3: addresses.s3,
    homeFolder,
    port: null,
    replica: 'stage',
    flushEvery: '500 ms',
  });
  stops.push(() => server.stop());
  return {
    addresses,
    store,
    client,
    server,
    ...worker,
    async restartTemporal() {
      await temporal.kill();
      temporal = await startTemporal(config, quiet);
    },
    killS3: () => s3.kill(),
    async startS3() {
      s3 = await startS3(config, quiet);
    },
  };
}

async function openWorker(
  { homeFolder, projectFolder, stops }: Places,
  addresses: ServiceAddresses,
): Promise<Pick<Stage, 'workerPid' | 'startWorker' | 'killWorker' | 'killWorkerAfter'>> {
  const gate = await openS3Gate(addresses.s3.endpoint ?? '');
  stops.push(() => gate.close());
  const begin = () =>
    startWorker({
      addresses: { ...addresses, s3: { ...addresses.s3, endpoint: gate.url } },
      projectFolder,
      homeFolder,
      queues: ['control', 'data'],
      buildFolder: join(homeFolder, 'build'),
    });
  let worker: WorkerProcess = await begin();
  stops.push(() => worker.stop());
  return {
    workerPid: () => worker.pid,
    async startWorker() {
      worker = await begin();
    },
    async killWorker() {
      process.kill(worker.pid, 'SIGKILL');
      await worker.exited;
    },
    async killWorkerAfter(write) {
      gate.afterWrite(write, () => process.kill(worker.pid, 'SIGKILL'));
      await worker.exited;
    },
  };
}

/** A run that was started; `key` names it in the bucket. */
export type Started = { readonly key: RunKey; readonly handle: WorkflowHandle };

/** Runs a command in the stage's project, on its services and in its home folder; it answers in JSON. */
export function onStage(
  { addresses, homeFolder, projectFolder }: Stage,
  words: readonly string[],
): Promise<CommandResult> {
  const environment = { PERDURA_HOME: homeFolder, ...settingsOf(addresses) };
  return perdura([...words, '--json'], { folder: projectFolder, environment });
}

/** Starts a pipeline as `perdura run` does. */
export async function startRun(stage: Stage, pipeline: string, workflowId: string, input: unknown): Promise<Started> {
  const handle = await stage.client.workflow.start(pipeline, {
    taskQueue: taskQueue('control'),
    workflowId,
    args: [input],
    memo: { startedBy: 'person' },
  });
  return { handle, key: { pipeline, workflowId, runId: handle.firstExecutionRunId } };
}

/** Waits until a condition holds and gives what it held by; looks every few milliseconds, because some windows are short. */
export async function eventually<Value>(
  what: string,
  look: () => Promise<Value | null | undefined | false> | Value | null | undefined | false,
  limitMs = 60_000,
): Promise<Value> {
  for (const end = Date.now() + limitMs; Date.now() < end; await pause(5)) {
    const value = await look();
    if (value !== null && value !== undefined && value !== false) return value;
  }
  throw new Error(`Not within ${limitMs} ms: ${what}.`);
}

/** Waits until a workflow has closed and says how. While Temporal is away it only waits. */
export async function closed(handle: WorkflowHandle, limitMs?: number): Promise<string> {
  const look = async () => {
    const status = await handle.describe().then(
      (description) => description.status.name,
      () => 'RUNNING' as const,
    );
    await pause(50);
    return status !== 'RUNNING' && status;
  };
  return eventually(`the end of ${handle.workflowId}`, look, limitMs);
}

/** Waits until the run and the sealing of its evidence have ended, and says how the run did. */
export async function sealed(stage: Stage, { key, handle }: Started): Promise<string> {
  const status = await closed(handle);
  const archive = await closed(stage.client.workflow.getHandle(`archive/${key.workflowId}/${key.runId}`));
  if (archive !== 'COMPLETED') throw new Error(`The archive of ${key.workflowId} ended as ${archive}.`);
  return status;
}
