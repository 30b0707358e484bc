import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** This checkout: what a test project has as its installed perdura. */
export const checkout = fileURLToPath(new URL('../..', import.meta.url));

/** What the `release` pipeline is called with. */
export type ReleaseInput = {
  readonly data: string;
  readonly epochs: number;
  /** Of the canary; none: the run ends with a version that is not released. */
  readonly weights: readonly number[];
  /** Live answers that the shadow, and each weight, needs. */
  readonly requests: number;
};

/** From the data to the promotion, as pipelines/flights does it, with less patience. */
const release = `import { auc, canary, denseNet, errors, evaluate, promote, reject, shadow, snapshot, split, train, validate } from 'perdura/steps';
import { flightSchema, late } from './schema.ts';

export async function release(input) {
  const data = await snapshot({ dataset: 'flights', from: input.data });
  await validate(data, flightSchema);
  const { training, holdout } = await split(data, { byTime: 'date', holdout: 0.2 });
  const challenger = await train({
    model: 'flights',
    data: training,
    features: 'release',
    target: late,
    trainer: denseNet({ hidden: [16], epochs: input.epochs, batchSize: 512, learningRate: 0.003 }),
    seed: 7,
  });
  const offline = await evaluate(challenger, { on: holdout, against: 'champion', guardrails: [auc.atLeast(0.5)] });
  if (offline.outcome !== 'pass') return reject(challenger, offline);
  if (input.weights.length === 0) return { outcome: 'trained' };
  if (offline.champion === null) return promote(challenger, offline);
  const patience = { endpoint: 'flights', requests: input.requests, atMost: '1 minute', checkEvery: '300 ms' };
  const mirrored = await shadow(challenger, { ...patience, guardrails: [errors.atMost(0.01)] });
  if (mirrored.outcome !== 'pass') return reject(challenger, mirrored);
  const ramped = await canary(challenger, { ...patience, weights: input.weights });
  return ramped.outcome === 'pass' ? promote(challenger, ramped) : reject(challenger, ramped);
}
`;

/** What the `ramp` pipeline is called with: a canary of a version that is there, and how the run ends. */
export type RampInput = {
  readonly version: object;
  readonly weights: readonly number[];
  readonly requests: number;
  readonly end: 'promote' | 'return' | 'throw' | 'throw beside';
};

const ramp = `import { activities, canary, promote } from 'perdura/steps';

const { stumble } = activities({ startToCloseTimeout: '10 seconds', retry: { maximumAttempts: 1 } });

export async function ramp(input) {
  const climbing = canary(input.version, {
    endpoint: 'flights', requests: input.requests, weights: input.weights, atMost: '1 minute', checkEvery: '100 ms',
  });
  if (input.end === 'throw beside') await Promise.all([climbing, stumble()]);
  const ramped = await climbing;
  if (input.end === 'throw') throw new Error('the author stumbled');
  return input.end === 'promote' ? promote(input.version, ramped) : { outcome: 'left', reason: ramped.reason };
}
`;

/** A project's own activity that fails while the canary beside it climbs. */
const rampActivities = `export async function stumble() {
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  throw new Error('the author stumbled');
}
`;

/** Writes a project as a user would have it: the features and the schema of pipelines/flights, and the two pipelines above. */
export async function writeReleaseProject(folder: string): Promise<void> {
  await writeProject(folder, {
    release: { 'pipeline.ts': release },
    ramp: { 'pipeline.ts': ramp, 'activities.ts': rampActivities },
  });
  for (const file of ['airports.ts', 'features.ts', 'schema.ts'])
    await cp(join(checkout, 'pipelines/flights', file), join(folder, 'pipelines/release', file));
}

/** Writes a project of pipelines, each by the texts of its files. */
export async function writeProject(
  folder: string,
  pipelines: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<void> {
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  await symlink(checkout, join(folder, 'node_modules/perdura'));
  await writeFile(join(folder, 'package.json'), '{ "name": "trial", "type": "module" }\n');
  await writeFile(join(folder, 'package-lock.json'), '{ "name": "trial", "lockfileVersion": 3, "packages": {} }\n');
  for (const [name, files] of Object.entries(pipelines)) {
    await mkdir(join(folder, 'pipelines', name), { recursive: true });
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, 'pipelines', name, file), text);
  }
}
