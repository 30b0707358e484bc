import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { checkout, writeProject } from './project.ts';

/** Up to a trained model, behind the gate of pipelines/flights. */
const gated = `import { snapshot, validate } from 'perdura/steps';
import { flightSchema } from './schema.ts';
export async function gated(input) {
  return validate(await snapshot({ dataset: 'flights', from: input.data }), flightSchema);
}
`;

/** Up to a version, without a gate; every setting is a parameter. */
const loose = `import { denseNet, snapshot, split, train } from 'perdura/steps';
export async function loose(input) {
  const data = await snapshot({ dataset: 'flights', from: input.data });
  const { training } = await split(data, { byTime: input.by ?? 'date', holdout: input.holdout ?? 0.2 });
  return train({
    model: input.model ?? 'loose',
    data: training,
    features: input.features ?? 'gated',
    target: { name: 'late', task: 'binary', sql: input.sql ?? 'delay > 15' },
    trainer: denseNet({ hidden: [4], epochs: input.epochs ?? 1 }),
    seed: 1,
  });
}
`;

const throwing = `import { latencyP99 } from 'perdura/steps';
export async function throwing(input) {
  if (input.kind === 'fault') return undefined.x;
  if (input.kind === 'text') throw 'said no';
  if (input.kind === 'duration') return latencyP99.atMost('5 mins');
  throw new Error('said no');
}
`;

const throwingFeatures = `export const record = { date: 'timestamp', distance: 'number', origin: 'string', destination: 'string' };
export function features(flight) {
  if (flight.origin === 'ORD') throw new Error('not this airport');
  return { distance: flight.distance };
}
`;

/** Writes a project whose pipelines can be called wrongly in every way that there is. */
export async function writeFaultyProject(folder: string): Promise<void> {
  await writeProject(folder, {
    gated: { 'pipeline.ts': gated },
    loose: { 'pipeline.ts': loose, 'features.ts': throwingFeatures },
    throwing: { 'pipeline.ts': throwing },
  });
  for (const file of ['airports.ts', 'features.ts', 'schema.ts'])
    await cp(join(checkout, 'pipelines/flights', file), join(folder, 'pipelines/gated', file));
}
