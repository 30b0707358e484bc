import type { RunOutcome, RunStart } from '../../domain/run.ts';
import { readConfig } from '../../project/config.ts';
import { pipelineFunction } from '../../project/load.ts';
import { listRuns } from '../../stores/runs.ts';
import { connectBucket } from '../connect.ts';
import type { Context } from '../context.ts';
import { coloured, elapsed, moment, table } from '../output.ts';
import { withCleanup } from '../processes.ts';

export type RunsOptions = { readonly pipeline?: string; readonly limit: number };

/** `perdura runs`: what has run, newest first, read from the bucket alone. */
export async function runs({ output, environment, folder }: Context, options: RunsOptions): Promise<number> {
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const store = await connectBucket(config, { cleanup, onProgress: output.progress });
    const filter = options.pipeline === undefined ? {} : { pipeline: pipelineFunction(options.pipeline) };
    const found = (await listRuns(store, filter)).slice(0, options.limit);
    output.answer({ runs: found }, () =>
      found.length === 0
        ? "No runs yet. Start one with 'perdura run <pipeline>'."
        : table(['RUN', 'STARTED', 'BY', 'STATUS', 'OUTCOME', 'TOOK', 'REASON'], found.map(row)),
    );
    return 0;
  });
}

function row({ start, outcome }: { readonly start: RunStart; readonly outcome: RunOutcome | null }): readonly string[] {
  return [
    start.workflowId,
    moment(start.startedAt),
    start.startedBy,
    coloured(outcome?.status ?? 'running'),
    coloured(outcome?.outcome ?? ''),
    outcome === null ? '' : elapsed(Date.parse(outcome.endedAt) - Date.parse(outcome.startedAt)),
    shortened(outcome?.reason ?? ''),
  ];
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= 80 ? line : `${line.slice(0, 79)}…`;
}
