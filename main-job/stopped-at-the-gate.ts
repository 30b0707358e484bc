import type { CodedFailure } from '../domain/failure.ts';
import type { ValidationReport } from '../domain/validation-report.ts';
import { basename, join } from 'node:path';
import { taskQueue } from '../domain/config.ts';
import { addArrival } from '../stores/datasets.ts';
import { readRegistry } from '../stores/registry.ts';
import { writeBrokenBatch } from './broken-batch.ts';
import { monthFile } from './months.ts';
import { type Scene, dataset, model, pipeline } from './scene.ts';
import { watchRun } from './watch-run.ts';

/** A broken batch arrives and must not get past the gate; gives what stopped it. */
export async function stoppedAtTheGate(scene: Scene): Promise<CodedFailure | null> {
  const before = (await readRegistry(scene.store, model))?.aliases.champion;
  const batch = await writeBrokenBatch({
    source: monthFile(scene.dataFolder, '2001-03'),
    month: '2001-03',
    folder: join(scene.dataFolder, 'broken'),
  });
  const keys: string[] = [];
  for (const path of batch.files) {
    const arrival = await addArrival(scene.store, dataset, {
      path,
      name: basename(path),
      addedAt: new Date().toISOString(),
    });
    keys.push(arrival.key);
  }
  const handle = await scene.client.workflow.start(pipeline, {
    taskQueue: taskQueue('control'),
    workflowId: 'flights/broken-batch',
    args: [{ data: keys }],
    memo: { startedBy: 'person' },
  });
  const outcome = await watchRun(scene, 'Broken batch', 'person', handle);
  for (const report of outcome.validations) {
    scene.say(`    decision ${report.decision}, ${report.badRows} of ${report.rows} rows bad`);
    for (const line of violationLines(report)) scene.say(`    ${line}`);
    if (report.quarantine !== null) scene.say(`    bad rows: ${report.quarantine.key}`);
    if (report.page !== null) scene.say(`    report: ${report.page.key}`);
  }
  const after = (await readRegistry(scene.store, model))?.aliases.champion;
  if (outcome.error?.code !== 'EXPECTATIONS_VIOLATED')
    throw new Error(`The broken batch was not stopped at the gate: ${outcome.status}.`);
  if (before !== after) throw new Error(`The champion moved from ${before} to ${after} on a broken batch.`);
  scene.say(`    champion untouched: version ${after}`);
  return outcome.error;
}

function violationLines(report: ValidationReport): readonly string[] {
  return report.violations.flatMap((violation) => [
    `${violation.code} ${violation.column ?? ''} × ${violation.count}: expected ${violation.expected}, observed ${violation.observed}`,
    ...violation.samples
      .slice(0, 2)
      .map((sample) => `  ${basename(sample.key)} row ${sample.row}: ${JSON.stringify(sample.values)}`),
  ]);
}
