import type { Client } from '@temporalio/client';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { taskQueue } from '../../domain/config.ts';
import { readConfig } from '../../project/config.ts';
import { startServices } from '../../services/start.ts';
import { ensureBucket } from '../../stores/objects/bucket.ts';
import { connectTemporal } from '../../workers/client.ts';
import { buildFolderOf } from '../../workers/run-worker.ts';
import { startWorker } from '../../workers/start-process.ts';
import { writeBenchProject } from './bench-project.ts';

const rounds = 7;
const sequenceSteps = 100;
const fanOutSteps = 200;
/** Runs of two lengths: their difference leaves start and close of a run out. */
const shortSteps = 20;

type Side = { readonly name: 'bare' | 'perdura'; run(workflow: 'sequence' | 'fanOut', steps: number): Promise<number> };
type Round = { readonly perStepMs: number; readonly sequenceMs: number; readonly fanOutMs: number };

/** Per-step latency and fan-out of a perdura pipeline beside a bare Temporal SDK worker: the same server, alternated rounds, one worker at a time. */
export async function orchestration(): Promise<void> {
  const checkout = fileURLToPath(new URL('../../../', import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), 'perdura-bench-'));
  const project = join(folder, 'project');
  await writeBenchProject(project, checkout);
  const config = readConfig({ ...process.env, PERDURA_HOME: join(folder, 'home') }, project);
  const services = await startServices(config, { onProgress: (line) => console.error(line) });
  await ensureBucket(services.addresses.s3);
  const temporal = await connectTemporal(services.addresses.temporal);
  const worker = await startWorker({
    addresses: services.addresses,
    projectFolder: project,
    homeFolder: config.homeFolder,
    queues: ['control', 'data'],
    buildFolder: buildFolderOf(config.homeFolder),
  });
  const bareWorker = await startBareWorker(services.addresses.temporal.address);
  try {
    print(await alternate([bare(temporal.client), perdura(temporal.client)]));
  } finally {
    bareWorker.disconnect();
    await worker.stop();
    await temporal.close();
    await services.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function alternate(sides: readonly Side[]): Promise<ReadonlyMap<string, readonly Round[]>> {
  for (const side of sides) await measure(side);
  const found = new Map<string, Round[]>(sides.map((side) => [side.name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) found.get(side.name)?.push(await measure(side));
  }
  return found;
}

async function measure(side: Side): Promise<Round> {
  const shortMs = await side.run('sequence', shortSteps);
  const sequenceMs = await side.run('sequence', sequenceSteps);
  const fanOutMs = await side.run('fanOut', fanOutSteps);
  return { perStepMs: (sequenceMs - shortMs) / (sequenceSteps - shortSteps), sequenceMs, fanOutMs };
}

function bare(client: Client): Side {
  return {
    name: 'bare',
    run: (workflow, steps) => timed(client, workflow, { taskQueue: 'bare', steps, as: 'bareFloor' }),
  };
}

function perdura(client: Client): Side {
  return {
    name: 'perdura',
    run: (workflow, steps) => timed(client, workflow, { taskQueue: taskQueue('control'), steps, as: 'perdura' }),
  };
}

let runs = 0;

type Timed = { readonly taskQueue: string; readonly steps: number; readonly as: 'bareFloor' | 'perdura' };

async function timed(client: Client, workflow: string, options: Timed): Promise<number> {
  const workflowId = `bench/${options.as}/${workflow}/${(runs += 1)}`;
  const began = performance.now();
  const handle = await client.workflow.start(workflow, {
    taskQueue: options.taskQueue,
    workflowId,
    args: [{ steps: options.steps }],
  });
  await handle.result();
  const elapsedMs = performance.now() - began;
  // The capsule is sealed after the run: not part of its latency, and not to be measured into the next round.
  if (options.as === 'perdura') await sealed(client, `archive/${workflowId}/${handle.firstExecutionRunId}`);
  return elapsedMs;
}

const sealingMs: number[] = [];

async function sealed(client: Client, archiveId: string): Promise<void> {
  const began = performance.now();
  await client.workflow.getHandle(archiveId).result();
  sealingMs.push(performance.now() - began);
}

async function startBareWorker(address: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./bare-worker.js', import.meta.url)), [], {
    env: { ...process.env, TEMPORAL_ADDRESS: address },
  });
  await once(child, 'message');
  return child;
}

function print(found: ReadonlyMap<string, readonly Round[]>): void {
  const row = (name: string, unit: string, pick: (round: Round) => number) => {
    const [floor, ours] = [found.get('bare') ?? [], found.get('perdura') ?? []].map((all) => all.map(pick));
    const ratio = (median(ours ?? []) / median(floor ?? [])).toFixed(2);
    console.log(`| ${name} | ${spread(floor ?? [])} | ${spread(ours ?? [])} | ${ratio} | ${unit} |`);
  };
  console.log(
    `| what | bare SDK (floor): median (min to max) | perdura | ratio | unit |\n| --- | --- | --- | --- | --- |`,
  );
  row('one step of a sequence', 'ms', (round) => round.perStepMs);
  row(`a whole run of ${sequenceSteps} steps`, 'ms', (round) => round.sequenceMs);
  row(`a whole run of ${fanOutSteps} steps at once`, 'ms', (round) => round.fanOutMs);
  console.log(
    `\nAfter each perdura run its capsule is sealed in the background: ${spread(sealingMs)} ms from the run's end.`,
  );
  console.log(
    `${rounds} alternated rounds after one to warm up; node ${process.version}, ${process.platform}-${process.arch}`,
  );
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function spread(values: readonly number[]): string {
  return `${median(values).toFixed(1)} (${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})`;
}
