import { type RunStart, runFolder } from '../../domain/run.ts';
import type { TrainingRecord } from '../../domain/training-record.ts';
import { readConfig } from '../../project/config.ts';
import type { ObjectStore, StoredVersion } from '../../stores/objects/object-store.ts';
import { listSearchRecords } from '../../stores/search-records.ts';
import { listTrainingRecords } from '../../stores/training-records.ts';
import { connectBucket } from '../connect.ts';
import type { Context } from '../context.ts';
import { findNamedRun } from '../find-run.ts';
import { withCleanup } from '../processes.ts';
import { describeRun } from '../run-report.ts';
import { describeSearch } from '../search-report.ts';
import { describeCache, describeTraining } from '../training-report.ts';

export type ShowOptions = { readonly why?: boolean };

/** `perdura show`: one run with all that was recorded of it, read from the bucket alone; `why`: only what the step cache says. */
export async function show(
  { output, environment, folder }: Context,
  text: string,
  { why = false }: ShowOptions = {},
): Promise<number> {
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const store = await connectBucket(config, { cleanup, onProgress: output.progress });
    const run = await findNamedRun(store, text);
    const trainings = await listTrainingRecords(store, run.start);
    if (why) {
      output.answer({ run: run.start, trainings: trainings.map(cacheOf) }, () => describeCache(trainings));
      return 0;
    }
    const artifacts = await listArtifacts(store, run.start);
    const searches = await listSearchRecords(store, run.start);
    // Its trials stand in the table of a search.
    const isTrial = ({ stepId }: TrainingRecord) => searches.some((search) => stepId.startsWith(`${search.stepId}/`));
    const described = [
      ...searches.map(describeSearch),
      ...trainings.filter((training) => !isTrial(training)).map(describeTraining),
    ];
    output.answer({ ...run, searches, trainings, artifacts }, () =>
      describeRun(run.start, run.outcome, { trainings: described, artifacts }),
    );
    return 0;
  });
}

function cacheOf({ stepId, model, cache }: TrainingRecord): Pick<TrainingRecord, 'stepId' | 'model' | 'cache'> {
  return { stepId, model, cache };
}

async function listArtifacts(store: ObjectStore, start: RunStart): Promise<readonly StoredVersion[]> {
  const found: StoredVersion[] = [];
  for await (const version of store.list(runFolder(start))) found.push(version);
  return found;
}
