import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { trainInChild } from '../../training/in-child.ts';
import { type TrainingJob, train as trainJob } from '../../training/train.ts';
import { eventually, flightFeatures, listeners, lives, openWorkplace, trainingJob, type Workplace } from './flights.ts';

let workplace: Workplace;
let flights: string;
let features: string;

beforeAll(async () => {
  workplace = await openWorkplace();
  flights = await workplace.parquet('flights', (all) => `SELECT * FROM ${all} LIMIT 20000`);
  features = await workplace.features('features', flightFeatures);
});
afterAll(() => workplace.remove());

test('a feature function that throws is FEATURES_INVALID and says what it threw', async () => {
  const featuresFile = await workplace.features(
    'throwing',
    "export const record = { origin: 'string' }; export const features = () => { throw new Error('no such airport'); };",
  );
  await expect(train({ featuresFile })).rejects.toMatchObject({
    code: 'FEATURES_INVALID',
    message: expect.stringContaining('no such airport'),
  });
});

test('a trainer that is killed is TRAINING_FAILED and leaves no file behind', async () => {
  const featuresFile = await workplace.features(
    'killed',
    "export const record = { origin: 'string' }; export const features = () => process.kill(process.pid, 'SIGKILL');",
  );
  await expect(train({ featuresFile })).rejects.toMatchObject({
    code: 'TRAINING_FAILED',
    message: expect.stringContaining('SIGKILL'),
  });
  await expect(stat(join(workplace.folder, 'out'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a trainer that crashes is TRAINING_FAILED with its last lines', async () => {
  const featuresFile = await workplace.features(
    'crashing',
    "export const record = { origin: 'string' }; setImmediate(() => { throw new Error('out of runway'); }); export const features = (row) => row;",
  );
  await expect(train({ featuresFile })).rejects.toMatchObject({
    code: 'TRAINING_FAILED',
    message: expect.stringContaining('out of runway'),
  });
});

test('a feature function that does not return is ended with what it was about', async () => {
  const featuresFile = await workplace.features(
    'hanging',
    "export const record = { origin: 'string' }; export const features = () => { for (;;); };",
  );
  const trainer = {
    entry: new URL('../../dist/training/trainer-process.js', import.meta.url),
    graceMs: 1_000,
    silentForMs: 3_000,
    suspect: 'a feature function',
    environment: process.env,
  };
  const job = trainingJob(workplace, 'hanging', { parquetFiles: [flights], featuresFile });
  const training = trainInChild(trainer, job, { ...listeners(), signal: new AbortController().signal });
  await expect(training).rejects.toMatchObject({
    code: 'TRAINING_FAILED',
    message: expect.stringContaining('said nothing for 3 seconds and was ended. It may hang in a feature function'),
  });
});

test('an error of the metric listener ends the trainer and is thrown', async () => {
  const training = trainJob(endlessJob(features), {
    ...listeners({
      onMetric() {
        throw new Error('not listening');
      },
    }),
    signal: new AbortController().signal,
  });
  await expect(training).rejects.toThrow('not listening');
}, 60_000);

test('an abort ends the trainer and is thrown', async () => {
  const { featuresFile, pid } = await withPid('abort');
  const controller = new AbortController();
  const training = trainJob(endlessJob(featuresFile), {
    ...listeners({ onMetric: () => controller.abort(new Error('cancelled')) }),
    signal: controller.signal,
  });
  await expect(training).rejects.toThrow('cancelled');
  expect(lives(await pid())).toBe(false);
}, 60_000);

test('a trainer that does not heed SIGTERM is killed', async () => {
  const { featuresFile, pid } = await withPid('deaf', "process.on('SIGTERM', () => {});");
  const controller = new AbortController();
  const training = trainJob(endlessJob(featuresFile), {
    ...listeners({ onMetric: () => controller.abort(new Error('cancelled')) }),
    signal: controller.signal,
  });
  await expect(training).rejects.toThrow('cancelled');
  expect(lives(await pid())).toBe(false);
}, 60_000);

test('the trainer ends when its parent is killed', async () => {
  const { featuresFile, pid } = await withPid('orphan');
  const parent = startParent(endlessJob(featuresFile));
  try {
    await new Promise((resolve) => parent.stdout?.once('data', resolve));
    const trainer = await pid();
    expect(lives(trainer)).toBe(true);
    parent.kill('SIGKILL');
    expect(await eventually(() => !lives(trainer))).toBe(true);
  } finally {
    parent.kill('SIGKILL');
  }
}, 60_000);

test('the trainer ends when its parent is killed, even in a feature function that does not return', async () => {
  const file = join(workplace.folder, 'stuck.pid');
  const featuresFile = await workplace.features(
    'stuck',
    `import { writeFileSync } from 'node:fs';
    export const record = { origin: 'string' };
    export const features = () => { writeFileSync(${JSON.stringify(file)}, String(process.pid)); for (;;); };`,
  );
  const parent = startParent(endlessJob(featuresFile));
  try {
    const written = () => readFile(file, 'utf8').then(Number, () => 0);
    expect(await eventually(async () => (await written()) > 0)).toBe(true);
    parent.kill('SIGKILL');
    const trainer = await written();
    expect(await eventually(() => !lives(trainer))).toBe(true);
  } finally {
    parent.kill('SIGKILL');
  }
}, 60_000);

function train(parts: Partial<TrainingJob>): Promise<unknown> {
  const job = trainingJob(workplace, 'out', { parquetFiles: [flights], featuresFile: features, ...parts });
  return trainJob(job, { ...listeners(), signal: new AbortController().signal });
}

/** Trains for longer than any test waits. */
function endlessJob(featuresFile: string): TrainingJob {
  const trainer = {
    kind: 'dense',
    hidden: [8],
    epochs: 100_000,
    checkpointEvery: 1_000,
    batchSize: 256,
    learningRate: 1e-4,
    embedding: 2,
  } as const;
  return trainingJob(workplace, 'endless', { parquetFiles: [flights], featuresFile, trainer });
}

/** A features file that writes down which process loaded it. */
async function withPid(name: string, more = ''): Promise<{ featuresFile: string; pid: () => Promise<number> }> {
  const file = join(workplace.folder, `${name}.pid`);
  const featuresFile = await workplace.features(
    `${name}-features`,
    `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(file)}, String(process.pid)); ${more}\n${flightFeatures}`,
  );
  return { featuresFile, pid: async () => Number(await readFile(file, 'utf8')) };
}

/** A process that trains and prints a line at each epoch. */
function startParent(job: TrainingJob): ChildProcess {
  const compiled = fileURLToPath(new URL('../../dist/training/train.js', import.meta.url));
  const script = `
    import { train } from ${JSON.stringify(compiled)};
    await train(${JSON.stringify(job)}, { onMetric: () => console.log('epoch'), onCheckpoint() {}, onProgress() {}, signal: new AbortController().signal });
  `;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
}
