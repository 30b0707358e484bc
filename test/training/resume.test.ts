import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DenseTrainer } from '../../domain/trainer.ts';
import { trainDense } from '../../training/built-in/train-dense.ts';
import type { TrainingJob } from '../../training/training-job.ts';
import {
  denseJob,
  eventually,
  flightFeatures,
  listeners,
  lives,
  openWorkplace,
  sha256Of,
  trainingJob,
  type Workplace,
} from './flights.ts';

const trainer: DenseTrainer = {
  kind: 'dense',
  hidden: [16],
  epochs: 6,
  batchSize: 128,
  learningRate: 0.003,
  embedding: 4,
};

let workplace: Workplace;
let flights: string;
let features: string;
let straight: string;

beforeAll(async () => {
  workplace = await openWorkplace();
  flights = await workplace.parquet('flights', (all) => `SELECT * FROM ${all} LIMIT 8000`);
  features = await workplace.features('features', flightFeatures);
  straight = await train(job('straight'));
}, 60_000);
afterAll(() => workplace.remove());

test('a trainer that is killed in mid-epoch and goes on from its last checkpoint ends with the same bytes', async () => {
  const killed = job('killed');
  const child = startTrainer(killed);
  const { pid = 0 } = child;
  try {
    await heard(child, 'checkpoint 2');
    // The third epoch takes some hundred milliseconds: it has begun, and is not over.
    child.kill('SIGKILL');
    expect(await eventually(() => !lives(pid))).toBe(true);
  } finally {
    child.kill('SIGKILL');
  }
  expect(await readdir(killed.checkpointFolder)).not.toContain('epoch-6.checkpoint');
  const said: string[] = [];
  const file = join(killed.checkpointFolder, 'epoch-2.checkpoint');
  expect(await train({ ...job('resumed'), resume: { step: 2, file } }, said)).toBe(straight);
  expect(said).toContain('goes on after epoch 2');
}, 60_000);

test('a training of fewer epochs is continued to more, and equals a straight one', async () => {
  const few = job('few', { epochs: 3 });
  await train(few);
  const file = join(few.checkpointFolder, 'epoch-3.checkpoint');
  expect(await train({ ...job('continued'), resume: { step: 3, file } })).toBe(straight);
}, 60_000);

test('a training with early stopping is continued with the best weights and the wait that it had', async () => {
  const early: Partial<DenseTrainer> = {
    earlyStopping: { share: 0.2, patience: 2 },
    classWeights: 'balanced',
    learningRate: 0.02,
  };
  const whole = await train(job('early', { ...early, epochs: 12 }));
  const few = job('early-few', { ...early, epochs: 2, checkpointEvery: 5 });
  await train(few);
  // The last epoch is kept, whatever epochs lie between two checkpoints.
  expect(await readdir(few.checkpointFolder)).toEqual(['epoch-2.checkpoint']);
  const file = join(few.checkpointFolder, 'epoch-2.checkpoint');
  expect(await train({ ...job('early-more', { ...early, epochs: 12 }), resume: { step: 2, file } })).toBe(whole);
}, 60_000);

test('a checkpoint that is cut off or altered is of no use, and the training begins anew and says so', async () => {
  const source = await readFile(join(workplace.folder, 'straight-checkpoints', 'epoch-4.checkpoint'));
  const cut = join(workplace.folder, 'cut.checkpoint');
  await writeFile(cut, source);
  await truncate(cut, source.length - 10);
  const altered = join(workplace.folder, 'altered.checkpoint');
  const middle = Math.floor(source.length / 2);
  await writeFile(altered, source.with(middle, (source[middle] ?? 0) ^ 1));
  for (const file of [cut, altered, join(workplace.folder, 'nowhere.checkpoint')]) {
    const said: string[] = [];
    expect(await train({ ...job('anew'), resume: { step: 4, file } }, said)).toBe(straight);
    expect(said.find((text) => text.startsWith('begins anew'))).toContain(file);
  }
}, 60_000);

test('a checkpoint of another seed, other rows or more epochs is of no use', async () => {
  const file = join(workplace.folder, 'straight-checkpoints', 'epoch-6.checkpoint');
  for (const parts of [{ seed: 8 }, { where: 'distance < 900' }, { trainer: { ...trainer, epochs: 1 } }]) {
    const said: string[] = [];
    await train({ ...job('other'), ...parts, resume: { step: 6, file } }, said);
    expect(said.find((text) => text.startsWith('begins anew'))).toMatch(/of another training|only 1 are asked for/);
  }
}, 60_000);

function job(name: string, more: Partial<DenseTrainer> = {}): TrainingJob {
  const spec = { ...trainer, ...more };
  return trainingJob(workplace, name, { parquetFiles: [flights], featuresFile: features, trainer: spec });
}

/** Trains here, and gives the SHA-256 of the model. */
async function train(given: TrainingJob, said: string[] = []): Promise<string> {
  const heardText = listeners({ onProgress: (text) => said.push(text) });
  const { files } = await trainDense(denseJob(given), { ...heardText, now: () => performance.now() });
  return sha256Of(files['model.onnx']);
}

/** A trainer in a process of its own that says which checkpoint it has written. */
function startTrainer(given: TrainingJob): ChildProcess {
  const compiled = fileURLToPath(new URL('../../dist/training/built-in/train-dense.js', import.meta.url));
  const script = `
    import { trainDense } from ${JSON.stringify(compiled)};
    import { writeSync } from 'node:fs';
    await trainDense(${JSON.stringify(given)}, {
      now: () => performance.now(), onMetric() {}, onProgress() {},
      onCheckpoint: ({ step }) => writeSync(1, 'checkpoint ' + step + '\\n'),
    });
  `;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function heard(child: ChildProcess, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (piece: Buffer) => {
      text += piece.toString();
      if (text.includes(`${line}\n`)) resolve();
    });
    child.once('exit', () => reject(new Error(`the trainer ended after '${text}'`)));
  });
}
