import type { ServiceAddresses } from '../domain/config.ts';
import type { ReplayReport } from '../audit/report.ts';
import type { RunFact, Summary } from './summary.ts';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { replayRun } from '../audit/replay.ts';
import { evidenceFolder } from '../domain/run.ts';
import { createS3ObjectStore } from '../stores/objects/s3-object-store.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { pipeline } from './scene.ts';

export type AuditRequest = {
  readonly homeFolder: string;
  readonly s3: ServiceAddresses['s3'];
  /** The folder where the embedded server keeps its objects; null where the bucket is not ours to spoil. */
  readonly diskFolder: string | null;
  readonly run: Pick<RunFact, 'workflowId' | 'runId'>;
  readonly say: (line: string) => void;
};

/** Replays a run from the bucket alone, then again after one byte of its evidence was changed, which must be noticed by name. */
export async function auditPromotedRun(request: AuditRequest): Promise<Omit<Summary['audit'], 'temporal'>> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const store = createS3ObjectStore(request.s3);
  const key = { pipeline, workflowId: request.run.workflowId, runId: request.run.runId };
  const replay = () => replayRun({ store, cacheFolder: join(request.homeFolder, 'cache') }, key);
  try {
    const report = await replay();
    for (const check of report.checks) request.say(`  ${check.status.padEnd(6)} ${check.name}: ${check.detail}`);
    request.say(`  → ${report.verdict}${report.firstDifference === null ? '' : `: ${report.firstDifference}`}`);
    const altered = await withOneByteChanged(request, store, replay);
    request.say(
      `  one byte of ${altered.object} changed → ${altered.report.verdict}: ${altered.report.firstDifference}`,
    );
    if (report.verdict !== 'IDENTICAL')
      throw new Error(`Run ${key.workflowId} does not replay: ${report.firstDifference}`);
    if (altered.report.verdict !== 'DIFFERENT' || altered.report.firstDifference?.includes(altered.object) !== true) {
      throw new Error(`A changed byte of ${altered.object} was not named by the audit.`);
    }
    return {
      run: key.workflowId,
      verdict: report.verdict,
      checks: report.checks.length,
      elapsedMs: report.elapsedMs,
      afterOneByte: `${altered.report.verdict}, ${altered.report.firstDifference}`,
    };
  } finally {
    store.close();
  }
}

type Altered = { readonly object: string; readonly report: ReplayReport };

/**
 * Changes one byte of the run's history, replays, and puts the byte back. With the embedded server the byte is changed on its disk, behind S3's
 * back, as someone with root could; elsewhere a changed copy is written over the key, which versioning allows even under object lock.
 */
async function withOneByteChanged(
  request: AuditRequest,
  store: ObjectStore,
  replay: () => Promise<ReplayReport>,
): Promise<Altered> {
  const object = `${evidenceFolder(request.run)}histories/1.json`;
  if (request.diskFolder === null) {
    const { bytes } = await store.read(object);
    const changed = Uint8Array.from(bytes);
    changed[0] = (changed[0] ?? 0) ^ 1;
    await store.write(object, changed);
    const report = await replay();
    await store.write(object, bytes);
    return { object, report };
  }
  const file = join(request.diskFolder, request.s3.bucket, object);
  const middle = Math.floor((await readFile(file)).length / 2);
  await flip(file, middle);
  try {
    return { object, report: await replay() };
  } finally {
    await flip(file, middle);
  }
}

async function flip(file: string, position: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, position);
    byte[0] = (byte[0] ?? 0) ^ 1;
    await handle.write(byte, 0, 1, position);
  } finally {
    await handle.close();
  }
}
