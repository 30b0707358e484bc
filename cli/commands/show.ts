import { type RunStart, runFolder } from '../../domain/run.ts';
import { readConfig } from '../../project/config.ts';
import type { ObjectStore, StoredVersion } from '../../stores/objects/object-store.ts';
import { connectBucket } from '../connect.ts';
import type { Context } from '../context.ts';
import { findNamedRun } from '../find-run.ts';
import { withCleanup } from '../processes.ts';
import { describeRun } from '../run-report.ts';

/** `perdura show`: one run with all that was recorded of it, read from the bucket alone. */
export async function show({ output, environment, folder }: Context, text: string): Promise<number> {
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const store = await connectBucket(config, { cleanup, onProgress: output.progress });
    const run = await findNamedRun(store, text);
    const artifacts = await listArtifacts(store, run.start);
    output.answer({ ...run, artifacts }, () => describeRun(run.start, run.outcome, artifacts));
    return 0;
  });
}

async function listArtifacts(store: ObjectStore, start: RunStart): Promise<readonly StoredVersion[]> {
  const found: StoredVersion[] = [];
  for await (const version of store.list(runFolder(start))) found.push(version);
  return found;
}
