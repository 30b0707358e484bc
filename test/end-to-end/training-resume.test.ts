import { readAttempts } from '../../stores/training-attempts.ts';
import { listTrainingRecords } from '../../stores/training-records.ts';
import type { TrainingRecord } from '../../domain/training-record.ts';
import { lives } from '../training/flights.ts';
import { addFlights, cutFlights } from './flights.ts';
import { eventually, openStage, sealed, type Stage, type Started, startRun } from './harness.ts';
import { checkout, writeProject } from './project.ts';
import { trainerOf } from './trainer.ts';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';

const limit = 180_000;
const epochs = 8;

/** Trains without the cache, so that each run computes. */
const pipeline = `import { denseNet, snapshot, train } from 'perdura/steps';
import { late } from './schema.ts';

export async function lateness(input) {
  const data = await snapshot({ dataset: 'flights', from: input.data });
  return train({
    model: 'lateness',
    data: { snapshot: data, rows: data.rows },
    features: 'lateness',
    target: late,
    trainer: denseNet({ hidden: [16], epochs: ${epochs}, batchSize: 128, learningRate: 0.003 }),
    seed: 7,
    cache: false,
  });
}
`;

let stage: Stage;
let data: string;
beforeAll(async () => {
  stage = await openStage(async (folder) => {
    await writeProject(folder, { lateness: { 'pipeline.ts': pipeline } });
    for (const file of ['airports.ts', 'features.ts', 'schema.ts'])
      await cp(join(checkout, 'pipelines/flights', file), join(folder, 'pipelines/lateness', file));
  });
  data = await addFlights(stage, await cutFlights(stage.projectFolder, 1, 30_000));
}, limit);
afterAll(() => stage?.close(), limit);

const start = (name: string): Promise<Started> => startRun(stage, 'lateness', `lateness/${name}`, { data });

async function recordOf(run: Started): Promise<TrainingRecord> {
  expect(await sealed(stage, run)).toBe('COMPLETED');
  const [record] = await listTrainingRecords(stage.store, run.key);
  if (record === undefined) throw new Error(`${run.key.workflowId} trained nothing.`);
  return record;
}

async function modelOf({ key }: Started): Promise<string | undefined> {
  const attempts = await readAttempts(stage.store, { run: key, stepId: '1-train' });
  return attempts?.published?.files['model.onnx'].sha256;
}

test(
  'a worker that is killed in mid-epoch: another goes on from the checkpoint, to the bytes of an undisturbed training',
  async () => {
    const killed = await start('killed');
    const trainer = await eventually('a trainer', () => trainerOf(stage.workerPid()));
    const step = { run: killed.key, stepId: '1-train' };
    const kept = await eventually('a checkpoint', async () => (await readAttempts(stage.store, step))?.checkpoint);
    await stage.killWorker();
    await eventually('the end of the trainer', () => !lives(trainer), 5_000);
    const standing = await readAttempts(stage.store, step);
    expect(standing?.published).toBeNull();
    const from = standing?.checkpoint?.step ?? 0;
    expect(from).toBeGreaterThanOrEqual(kept.step);
    expect(from).toBeLessThan(epochs);

    await stage.startWorker();
    const resumed = await recordOf(killed);
    const undisturbed = await start('undisturbed');
    const whole = await recordOf(undisturbed);
    expect(resumed.attempt).toBe(2);
    expect(whole.attempt).toBe(1);
    expect(await modelOf(killed)).toBe(await modelOf(undisturbed));
    expect(resumed.metrics).toEqual(whole.metrics);
  },
  limit,
);
