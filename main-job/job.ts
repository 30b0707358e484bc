import type { Config } from '../domain/config.ts';
import type { Summary } from './summary.ts';
import { join } from 'node:path';
import { elapsed } from '../cli/output.ts';
import { withCleanup } from '../cli/processes.ts';
import { CodedError } from '../domain/errors.ts';
import { embedsS3, embedsTemporal } from '../services/addresses.ts';
import { startS3 } from '../services/start.ts';
import { auditPromotedRun } from './audit-chapter.ts';
import { type Lived, live } from './life.ts';
import { watchMemory } from './memory.ts';
import { type Stack, scoped } from './scoped.ts';

/** Plays the whole job and gives its facts; everything that it started has ended when it returns or throws. */
export async function runJob(config: Config, say: (line: string) => void): Promise<Summary> {
  const began = Date.now();
  const memory = watchMemory();
  const chapter = (title: string) => say(`\n[${elapsed(Date.now() - began)}] ${title}`);
  let summary: Summary | null = null;
  const interruption = { exitCode: 130, onStopping: () => say('Interrupted; stopping what runs.') } as const;
  await withCleanup(interruption, async (cleanup) => {
    const lived = await live(config, { say, chapter }, cleanup);
    const temporal = embedsTemporal(config) ? 'stopped' : 'not asked';
    chapter(`7. Audit: Temporal is ${temporal}, the bucket is enough`);
    const audit = { ...(await audited(config, lived, say, cleanup)), temporal } as const;
    summary = closing(lived, audit, { began, peakMemoryBytes: memory.peakBytes() });
    return 0;
  });
  memory.stop();
  if (summary !== null) return summary;
  throw new CodedError(
    'ACTIVITY_FAILED',
    'The job was interrupted. Start it again: it goes on from what the bucket holds.',
  );
}

async function audited(
  config: Config,
  lived: Lived,
  say: (line: string) => void,
  cleanup: Stack,
): Promise<Omit<Summary['audit'], 'temporal'>> {
  const run =
    lived.runs.findLast((each) => each.verdict === 'promoted') ??
    lived.runs.find((each) => each.verdict === 'rejected');
  if (run === undefined) {
    throw new CodedError(
      'NOT_FOUND',
      'No run of this job reached a release, so there is none to audit. Read the verdicts above.',
    );
  }
  const request = { homeFolder: config.homeFolder, run, say };
  if (!embedsS3(config)) return auditPromotedRun({ ...request, s3: lived.addresses.s3, diskFolder: null });
  return scoped(cleanup, async (stack) => {
    const s3 = await startS3(config, { onProgress: (line) => say(`  ${line}`) });
    stack.add(() => s3.stop());
    return auditPromotedRun({ ...request, s3: s3.address, diskFolder: join(config.homeFolder, 's3', 'data') });
  });
}

function closing(
  lived: Lived,
  audit: Summary['audit'],
  job: { readonly began: number; readonly peakMemoryBytes: number | null },
): Summary {
  const { addresses, setUpAt, ...facts } = lived;
  const { uiUrl } = addresses.temporal;
  return {
    ...facts,
    audit,
    startUpMs: setUpAt - job.began,
    elapsedMs: Date.now() - job.began,
    peakMemoryBytes: job.peakMemoryBytes,
    look: [
      'npx perdura runs                       every run and its verdict',
      `npx perdura show ${audit.run}   its steps, decisions and evidence`,
      'npx perdura models                     versions and aliases, each move with its reason',
      'npx perdura models card flights        what the champion is, was measured at and comes from',
      'npx perdura models verify flights      every byte of its packages as it was signed',
      `npx perdura compare ${lived.runs[0]?.workflowId ?? ''} ${audit.run}   what differs between two trainings`,
      'npx perdura routes                     who answers on which endpoint',
      `npx perdura audit replay ${audit.run}`,
      `npx perdura dev                        the services again${uiUrl === null ? '' : `, Temporal's web UI at ${uiUrl}`}`,
    ],
  };
}
