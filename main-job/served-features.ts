import type { Context } from '../cli/context.ts';
import type { FeatureCheck } from '../stores/online/check-features.ts';
import { featuresCheck } from '../cli/commands/features-check.ts';
import { snapshotCreate } from '../cli/commands/snapshot-create.ts';
import { readDataset } from '../stores/datasets.ts';
import { monthFile, months } from './months.ts';
import { type Scene, dataset, endpoint } from './scene.ts';
import { basename } from 'node:path';

/** What `perdura features check` says, with `outcome` its word for it. */
export type ServedFeatures = FeatureCheck & { readonly outcome: string; readonly snapshot: string };

/**
 * Seals all months that have arrived as one snapshot on a branch of its own, and holds the features of every answered request beside what that
 * snapshot gives: `perdura snapshot create` and `perdura features check`, as a person would call them.
 */
export async function servedFeatures(scene: Scene): Promise<ServedFeatures> {
  const arrived = new Set((await readDataset(scene.store, dataset)).arrivals.map(({ key }) => basename(key)));
  const names = months.map((month) => basename(monthFile('', month))).filter((name) => arrived.has(name));
  const told: unknown[] = [];
  const context: Context = {
    output: { json: false, live: false, answer: (value) => void told.push(value), progress: () => undefined },
    environment: process.env,
    folder: scene.config.projectFolder,
  };
  await snapshotCreate(context, dataset, { from: names, branch: 'lake' });
  await featuresCheck(context, endpoint, { snapshot: `${dataset}@lake` });
  const found = told.at(-1) as ServedFeatures;
  scene.say(
    `  ${found.requests - found.notCovered} answers beside ${found.snapshot}, ${names.length} months: ${found.outcome}`,
  );
  for (const { feature, compared, different } of found.features)
    scene.say(`    ${feature}: ${different} of ${compared} differ`);
  if (found.notCovered > 0)
    scene.say(`    ${found.notCovered} more look at days whose file has not arrived: not compared`);
  return found;
}
