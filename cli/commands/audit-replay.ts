import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { DefaultLogger, Runtime } from '@temporalio/worker';

import { replayRun } from '../../audit/replay.ts';
import { reportLines } from '../../audit/report.ts';
import { readConfig } from '../../project/config.ts';
import { connectBucket } from '../connect.ts';
import type { Context } from '../context.ts';
import { findNamedRun } from '../find-run.ts';
import { usageError } from '../errors.ts';
import { coloured } from '../output.ts';
import { withCleanup } from '../processes.ts';

/** `perdura audit replay`: proves a past run from the bucket alone. Exits 1 when anything differs. */
export async function auditReplay(
  { output, environment, folder }: Context,
  text: string,
  options: { readonly publicKey?: string },
): Promise<number> {
  const publicKey =
    options.publicKey === undefined ? {} : { publicKey: await readKey(resolve(folder, options.publicKey)) };
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const store = await connectBucket(config, { cleanup, onProgress: output.progress });
    const { start } = await findNamedRun(store, text);
    const { pipeline, workflowId, runId } = start;
    // Temporal's replayer tells of every state of its worker, and would take Ctrl-C for itself.
    Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
    output.progress(`Replaying ${workflowId} (${runId})`);
    const cacheFolder = join(config.homeFolder, 'cache', 'objects');
    const report = await replayRun({ store, cacheFolder, ...publicKey }, { pipeline, workflowId, runId });
    output.answer({ run: { pipeline, workflowId, runId }, ...report }, () =>
      reportLines(start, report)
        .map((line) => line.replace(/^(\w+)(?= \()/, coloured))
        .join('\n'),
    );
    return report.verdict === 'IDENTICAL' ? 0 : 1;
  });
}

async function readKey(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => {
    throw usageError('INPUT_INVALID', `--public-key ${file} cannot be read. Name a PEM file.`);
  });
}
