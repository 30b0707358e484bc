import { readConfig } from '../../project/config.ts';
import { pipelineFunction } from '../../project/load.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { mapParallel } from '../../stores/parallel.ts';
import { readRegistry } from '../../stores/registry.ts';
import { listRuns, type StoredRun } from '../../stores/runs.ts';
import { listTrainingRecords } from '../../stores/training-records.ts';
import { connectBucket } from '../connect.ts';
import type { Context } from '../context.ts';
import { coloured, elapsed, moment, table } from '../output.ts';
import { withCleanup } from '../processes.ts';
import { costText } from '../training-facts.ts';

export type RunsOptions = { readonly pipeline?: string; readonly limit: number };

/** A run as it is listed: what its trainings cost together, and the version that it ended with. */
type ListedRun = StoredRun & {
  readonly cost: { readonly amount: number; readonly currency: string } | null;
  readonly version: { readonly model: string; readonly modelVersion: string; readonly isChampion: boolean } | null;
};

const parallelReads = 8;

/** `perdura runs`: what has run, newest first, read from the bucket alone. */
export async function runs({ output, environment, folder }: Context, options: RunsOptions): Promise<number> {
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const store = await connectBucket(config, { cleanup, onProgress: output.progress });
    const filter = options.pipeline === undefined ? {} : { pipeline: pipelineFunction(options.pipeline) };
    const listed = (await listRuns(store, filter)).slice(0, options.limit);
    const champions = championsOf(store);
    const found = await mapParallel(listed, parallelReads, async (run): Promise<ListedRun> => ({
      ...run,
      cost: await costOfRun(store, run),
      version: await versionOf(run, champions),
    }));
    output.answer({ runs: found }, () =>
      found.length === 0
        ? "No runs yet. Start one with 'perdura run <pipeline>'."
        : table(['RUN', 'STARTED', 'BY', 'STATUS', 'OUTCOME', 'VERSION', 'TOOK', 'COST', 'REASON'], found.map(row)),
    );
    return 0;
  });
}

/** What the trainings of a run cost together; null: none has a price. Trainings with another currency than the first are left out. */
async function costOfRun(store: ObjectStore, { start }: StoredRun): Promise<ListedRun['cost']> {
  const costs = (await listTrainingRecords(store, start)).flatMap(({ cost }) => cost ?? []);
  const currency = costs[0]?.currency;
  if (currency === undefined) return null;
  const amount = costs.reduce((sum, cost) => (cost.currency === currency ? sum + cost.amount : sum), 0);
  return { amount, currency };
}

/** The version that a release ended with, and whether it is the champion now. */
async function versionOf({ outcome }: StoredRun, champions: Champions): Promise<ListedRun['version']> {
  const result = outcome?.result;
  if (typeof result !== 'object' || result === null || !('model' in result) || !('modelVersion' in result)) return null;
  const [model, modelVersion] = [String(result.model), String(result.modelVersion)];
  return { model, modelVersion, isChampion: (await champions(model)) === modelVersion };
}

type Champions = (model: string) => Promise<string | null>;

/** Each registry is read once, however many runs are of its model. */
function championsOf(store: ObjectStore): Champions {
  const read = new Map<string, Promise<string | null>>();
  return (model) => {
    const known = read.get(model) ?? readRegistry(store, model).then((found) => found?.aliases.champion ?? null);
    read.set(model, known);
    return known;
  };
}

function row({ start, outcome, cost, version }: ListedRun): readonly string[] {
  return [
    start.workflowId,
    moment(start.startedAt),
    start.startedBy,
    coloured(outcome?.status ?? 'running'),
    coloured(outcome?.outcome ?? ''),
    version === null ? '' : `${version.model} ${version.modelVersion}${version.isChampion ? ' (champion)' : ''}`,
    outcome === null ? '' : elapsed(Date.parse(outcome.endedAt) - Date.parse(outcome.startedAt)),
    cost === null ? '' : costText(cost),
    shortened(outcome?.reason ?? ''),
  ];
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= 80 ? line : `${line.slice(0, 79)}…`;
}
