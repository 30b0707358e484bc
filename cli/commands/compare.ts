import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { compareFacts, type FactComparison } from '../../domain/compare-facts.ts';
import type { MetricPoint } from '../../domain/trainer.ts';
import type { TrainingRecord } from '../../domain/training-record.ts';
import { readConfig } from '../../project/config.ts';
import { createObjectCache, type ObjectCache } from '../../stores/object-cache.ts';
import type { StoredRun } from '../../stores/runs.ts';
import { openTables } from '../../stores/tables.ts';
import { listTrainingRecords, readMetricPoints } from '../../stores/training-records.ts';
import { connectBucket } from '../connect.ts';
import type { Context } from '../context.ts';
import { curvesPage } from '../curves-page.ts';
import { usageError } from '../errors.ts';
import { findNamedRun } from '../find-run.ts';
import { table } from '../output.ts';
import { withCleanup } from '../processes.ts';
import { trainingFacts } from '../training-facts.ts';

export type CompareOptions = { readonly html?: string };

/** A run beside others: its last training, trials of a search only where there is no other. */
type Compared = StoredRun & { readonly training: TrainingRecord | null };

const longestValue = 40;

/** `perdura compare`: what differs between runs, and their curves as one page; read from the bucket alone. */
export async function compare(
  { output, environment, folder }: Context,
  names: readonly string[],
  options: CompareOptions,
): Promise<number> {
  if (names.length < 2) throw usageError('INPUT_INVALID', "Name two runs at least. List them with 'perdura runs'.");
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const store = await connectBucket(config, { cleanup, onProgress: output.progress });
    const runs: Compared[] = [];
    for (const name of names) {
      const run = await findNamedRun(store, name);
      runs.push({ ...run, training: chosen(await listTrainingRecords(store, run.start)) });
    }
    const comparison = compareFacts(runs.map(({ start, training }) => trainingFacts(start, training)));
    const html = options.html === undefined ? null : resolve(folder, options.html);
    if (html !== null) {
      const cache = createObjectCache(store, join(config.homeFolder, 'cache'));
      await writeFile(html, await pageOf(runs, comparison, cache));
    }
    const answered = runs.map(({ start, outcome, training }) => ({
      workflowId: start.workflowId,
      runId: start.runId,
      status: outcome?.status ?? 'running',
      outcome: outcome?.outcome ?? null,
      training,
    }));
    output.answer({ runs: answered, ...comparison, html }, () => describe(runs, comparison, html));
    return 0;
  });
}

function chosen(records: readonly TrainingRecord[]): TrainingRecord | null {
  return records.findLast(({ stepId }) => !stepId.includes('/')) ?? records.at(-1) ?? null;
}

function describe(runs: readonly Compared[], { differing, equal }: FactComparison, html: string | null): string {
  const lacking = runs.filter(({ training }) => training === null).map(({ start }) => start.workflowId);
  const head = ['', '', ...runs.map(nameOf)];
  const rows = differing.map(({ section, name, values }) => [
    section,
    name,
    ...values.map((value) => cut(value ?? '-')),
  ]);
  const same = equal.map(
    ({ section, equal: count, of }) => `${section} ${count === of ? `all ${of}` : `${count} of ${of}`}`,
  );
  return [
    differing.length === 0 ? 'Nothing differs.' : table(head, rows),
    `Equal: ${same.join(', ')}.`,
    ...(lacking.length === 0 ? [] : [`Without a training: ${lacking.join(', ')}; compared by input and environment.`]),
    ...(html === null ? [] : [`The curves: ${html}`]),
  ].join('\n\n');
}

async function pageOf(runs: readonly Compared[], comparison: FactComparison, cache: ObjectCache): Promise<string> {
  const tables = await openTables();
  try {
    const curves: { readonly name: string; readonly points: readonly MetricPoint[] }[] = [];
    for (const run of runs) {
      const points = run.training?.points ?? null;
      const file = points === null ? null : await cache.localFile(points);
      curves.push({ name: nameOf(run), points: file === null ? [] : await readMetricPoints(tables, file) });
    }
    return curvesPage({ runs: curves, comparison });
  } finally {
    tables.close();
  }
}

function nameOf({ start, training }: Compared): string {
  return training === null ? start.workflowId : `${start.workflowId} ${training.stepId}`;
}

function cut(text: string): string {
  return text.length <= longestValue ? text : `${text.slice(0, longestValue - 1)}…`;
}
