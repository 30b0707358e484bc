import type { Config } from '../domain/config.ts';
import type { CodedFailure } from '../domain/failure.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { DriftFound } from './drift.ts';
import type { Scene } from './scene.ts';
import type { RunFact, Summary } from './summary.ts';
import { join } from 'node:path';
import { type Cleanup, withCleanup } from '../cli/processes.ts';
import { elapsed } from '../cli/output.ts';
import { startModelServer } from '../serving/start-process.ts';
import { startS3, startServices } from '../services/start.ts';
import { ensureBucket } from '../stores/objects/bucket.ts';
import { createS3ObjectStore } from '../stores/objects/s3-object-store.ts';
import { listModels } from '../stores/registry.ts';
import { evidenceFolder } from '../domain/run.ts';
import { signatureName } from '../audit/capsule.ts';
import { CodedError } from '../domain/errors.ts';
import { connectTemporal } from '../workers/client.ts';
import { buildFolderOf } from '../workers/run-worker.ts';
import { startWorker } from '../workers/start-process.ts';
import { auditPromotedRun } from './audit-chapter.ts';
import { driftThroughSpring } from './drift.ts';
import { firstRelease } from './first-release.ts';
import { trafficTotals } from './live-traffic.ts';
import { type MemoryWatch, watchMemory } from './memory.ts';
import { cutMonths } from './months.ts';
import { scheduledRelease } from './scheduled-release.ts';
import { stoppedAtTheGate } from './stopped-at-the-gate.ts';
import { until } from './watch-run.ts';

/** What the living part of the job leaves for the audit and the summary. */
type Lived = {
  readonly runs: readonly RunFact[];
  readonly models: Summary['models'];
  readonly requests: Summary['requests'];
  readonly gate: CodedFailure | null;
  readonly drift: DriftFound;
  readonly uiUrl: string | null;
  readonly startUpMs: number;
};

/** Plays the whole job and gives its facts; everything that it started has ended when it returns or throws. */
export async function runJob(config: Config, say: (line: string) => void): Promise<Summary> {
  const began = Date.now();
  const memory = watchMemory();
  let summary: Summary | null = null;
  const code = await withCleanup(
    { exitCode: 130, onStopping: () => say('Interrupted; stopping what runs.') },
    async (cleanup) => {
      const chapter = (title: string) => say(`\n[${elapsed(Date.now() - began)}] ${title}`);
      const lived = await live(config, { say, chapter, began, cleanup });
      chapter('6. Audit: Temporal is stopped, the bucket is enough');
      const audit = await audited(config, lived, say, cleanup);
      summary = closing(lived, audit, { began, memory });
      return 0;
    },
  );
  memory.stop();
  if (summary === null)
    throw new CodedError(
      'ACTIVITY_FAILED',
      `The job was interrupted (${code}). Start it again: it goes on from what the bucket holds.`,
    );
  return summary;
}

/** Takes what is started within a part of the job. */
type Stack = Pick<Cleanup, 'add'>;

type Telling = {
  readonly say: (line: string) => void;
  readonly chapter: (title: string) => void;
  readonly began: number;
  readonly cleanup: Cleanup;
};

/** Everything that needs Temporal: from the first release to the retraining. */
async function live(config: Config, { say, chapter, began, cleanup }: Telling): Promise<Lived> {
  chapter('Services');
  return scoped(cleanup, async (stack) => {
    const dataFolder = join(config.homeFolder, 'main-job');
    const [scene, uiUrl] = await setUp(config, { say, stack, dataFolder });
    const startUpMs = Date.now() - began;
    chapter('1. January arrives: the first release');
    await firstRelease(scene);
    chapter('2. February arrives: the schedule starts the pipeline, March is the live traffic');
    await scheduledRelease(scene);
    chapter('3. A broken batch arrives');
    const gate = await stoppedAtTheGate(scene);
    chapter('4. Traffic moves on through April, May and June; the monitor watches');
    const drift = await driftThroughSpring(scene);
    chapter('5. The capsules are sealed');
    await allSealed(scene);
    return {
      runs: scene.runs,
      models: await modelFacts(scene.store),
      requests: trafficTotals(scene),
      gate,
      drift,
      uiUrl,
      startUpMs,
    };
  });
}

/** Stops what it took, newest first, when the work ends; the job's cleanup does the same when the job is interrupted. */
async function scoped<Result>(cleanup: Cleanup, work: (stack: Stack) => Promise<Result>): Promise<Result> {
  const stops: (() => Promise<void>)[] = [];
  const stopAll = async () => {
    for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
  };
  cleanup.add(stopAll);
  try {
    return await work({ add: (stop) => void stops.push(stop) });
  } finally {
    await stopAll();
  }
}

async function setUp(
  config: Config,
  {
    say,
    stack,
    dataFolder,
  }: { readonly say: (line: string) => void; readonly stack: Stack; readonly dataFolder: string },
): Promise<[Scene, string | null]> {
  const services = await startServices(config, { onProgress: (line) => say(`  ${line}`) });
  stack.add(() => services.stop());
  const { addresses } = services;
  await ensureBucket(addresses.s3);
  const store = createS3ObjectStore(addresses.s3);
  stack.add(async () => store.close());
  const temporal = await connectTemporal(addresses.temporal);
  stack.add(() => temporal.close());
  const { homeFolder, projectFolder } = config;
  await cutMonths(dataFolder);
  const worker = await startWorker({
    addresses,
    projectFolder,
    homeFolder,
    queues: ['control', 'data'],
    buildFolder: buildFolderOf(homeFolder),
  });
  stack.add(() => worker.stop());
  const server = await startModelServer({
    s3: addresses.s3,
    homeFolder,
    port: config.serving.port,
    replica: 'main-job',
    flushEvery: '1 second',
  });
  stack.add(() => server.stop());
  say(
    `  Temporal ${addresses.temporal.address}${addresses.temporal.uiUrl === null ? '' : `, web UI ${addresses.temporal.uiUrl}`}`,
  );
  say(`  S3 ${addresses.s3.endpoint ?? 'AWS'}, bucket ${addresses.s3.bucket}`);
  say(`  model server ${server.url}`);
  const jobId = `job-${Date.now().toString(36)}`;
  return [
    {
      config,
      addresses,
      store,
      client: temporal.client,
      serverUrl: server.url,
      dataFolder,
      jobId,
      say,
      runs: [],
      traffic: [],
    },
    addresses.temporal.uiUrl,
  ];
}

/** Capsules are sealed after a run has closed: the job must not take Temporal away before. */
async function allSealed(scene: Scene): Promise<void> {
  for (const run of scene.runs) {
    const key = `${evidenceFolder(run)}${signatureName}`;
    await until(`the capsule of ${run.workflowId}`, () =>
      scene.store.head(key).then(
        () => true,
        (error: { readonly code?: string }) => {
          if (error.code === 'NOT_FOUND') return false;
          throw error;
        },
      ),
    );
    scene.say(`  ${key}`);
  }
}

async function audited(
  config: Config,
  lived: Lived,
  say: (line: string) => void,
  cleanup: Cleanup,
): Promise<Summary['audit']> {
  const run =
    lived.runs.findLast((each) => each.verdict === 'promoted') ??
    lived.runs.find((each) => each.verdict === 'rejected');
  if (run === undefined)
    throw new CodedError(
      'NOT_FOUND',
      'No run of this job reached a release, so there is none to audit. Read the verdicts above.',
    );
  return scoped(cleanup, async (stack) => {
    if (config.s3.endpoint !== null) {
      return auditPromotedRun({ config, s3: { ...config.s3 }, run, say });
    }
    const s3 = await startS3(config, { onProgress: (line) => say(`  ${line}`) });
    stack.add(() => s3.stop());
    return auditPromotedRun({ config, s3: s3.address, run, say });
  });
}

async function modelFacts(store: ObjectStore): Promise<Summary['models']> {
  const registries = await listModels(store);
  return registries.flatMap((registry) =>
    registry.versions.map((version) => ({
      model: registry.model,
      modelVersion: version.modelVersion,
      status: version.status,
      aliases: (['champion', 'challenger'] as const).filter(
        (alias) => registry.aliases[alias] === version.modelVersion,
      ),
    })),
  );
}

function closing(
  lived: Lived,
  audit: Summary['audit'],
  since: { readonly began: number; readonly memory: MemoryWatch },
): Summary {
  const { uiUrl, ...facts } = lived;
  return {
    ...facts,
    audit,
    elapsedMs: Date.now() - since.began,
    peakMemoryBytes: since.memory.peakBytes(),
    look: [
      'npx perdura runs                       every run and its verdict',
      `npx perdura show ${audit.run}   its steps, decisions and evidence`,
      'npx perdura models                     versions and aliases, each move with its reason',
      'npx perdura routes                     who answers on which endpoint',
      `npx perdura audit replay ${audit.run}`,
      `npx perdura dev                        the services again${uiUrl === null ? '' : `, Temporal's web UI at ${uiUrl}`}`,
    ],
  };
}
