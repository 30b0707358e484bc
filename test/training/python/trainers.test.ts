import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Signature } from '../../../domain/model-package.ts';
import type { Task } from '../../../domain/target.ts';
import { sha256File } from '../../../stores/digest.ts';
import { openOnnxSession } from '../../../training/onnx-session.ts';
import { scoreRows, type Scores } from '../../../training/score.ts';
import { lightgbm, sklearn, torch } from '../../../workflows/steps/python-trainers.ts';
import { installPackages, missingTorch, openPythonWorkplace, type PythonWorkplace, type Trained } from './workplace.ts';

const tasks = ['binary', 'multiclass', 'regression'] as const;
const estimators = {
  binary: ['HistGradientBoosting', 'RandomForest', 'LogisticRegression'],
  multiclass: ['HistGradientBoosting', 'RandomForest', 'LogisticRegression'],
  regression: ['HistGradientBoosting', 'RandomForest', 'Ridge'],
} as const;
const small = { hidden: [16], epochs: 4, batchSize: 64, learningRate: 0.01, embedding: 4 };

await installPackages('lightgbm');
await installPackages('sklearn');
const torchMissing = await missingTorch();

let workplace: PythonWorkplace;
beforeAll(async () => {
  workplace = await openPythonWorkplace();
});
afterAll(() => workplace.remove());

// Every training here is also a check that onnxruntime-node answers as Python does: within `tolerance`, on 1,000 rows.
describe('LightGBM', () => {
  test.each(tasks)('learns a %s target and is served as it was trained', async (task) => {
    const trained = await workplace.train(`lightgbm-${task}`, task, lightgbm({ rounds: 60, tolerance: 1e-5 }));
    expect(goodness(task, await score(trained))).toBeGreaterThan(0.9);
    expect(trained.points.map((point) => [point.name, point.step])).toEqual(
      Array.from({ length: 60 }, (_, tree) => ['loss', tree + 1]),
    );
    expect(trained.points.at(-1)?.value).toBeLessThan(trained.points[0]?.value ?? 0);
    expect(trained.result.python?.packages['lightgbm']).toMatch(/^\d+\.\d+/);
    expect(trained.result.artifacts.map(({ name }) => name)).toContain('lightgbm.txt');
    await expectAnswerToUnseen(trained);
  });

  test('gives the same bytes for the same seed and others for another', async () => {
    const trainer = lightgbm({ rounds: 20, params: { bagging_fraction: 0.5, bagging_freq: 1 } });
    const digests = await Promise.all(
      [7, 7, 8].map(async (seed, index) => {
        const { result } = await workplace.train(`same-${index}`, 'binary', trainer, { seed });
        return sha256File(result.files['model.onnx']);
      }),
    );
    expect(digests[1]).toBe(digests[0]);
    expect(digests[2]).not.toBe(digests[0]);
  });

  test('stops early and keeps the trees of the best round', async () => {
    const trainer = lightgbm({
      rounds: 400,
      params: { learning_rate: 0.5 },
      earlyStopping: { share: 0.2, patience: 5 },
    });
    const { points, result } = await workplace.train('early', 'binary', trainer);
    const validation = points.filter((point) => point.name === 'validationLoss').map((point) => point.value);
    const best = validation.indexOf(Math.min(...validation)) + 1;
    expect(validation.length).toBe(best + 5);
    const text = result.artifacts.find(({ name }) => name === 'lightgbm.txt')?.path ?? '';
    expect((await readFile(text, 'utf8')).match(/^Tree=/gm)).toHaveLength(best);
  });

  test.each([
    [{ learning_rate: -1 }, /learning_rate/],
    [{ linear_tree: true }, /params\.lightgbm\.linear_tree cannot be set/],
    [{ objective: 'quantile' }, /params\.lightgbm\.objective must be one of binary/],
  ])('refuses %j by its name', async (params, reason) => {
    await expect(workplace.train('wrong', 'binary', lightgbm({ params }))).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(reason),
    });
  });

  test('says of a misspelt parameter what there is', async () => {
    const trainer = { ...lightgbm(), params: { round: 3 } };
    await expect(workplace.train('misspelt', 'binary', trainer)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining("params has no 'round'. There is: earlyStopping, lightgbm, rounds."),
    });
  });

  test('does not learn from rows of one class', async () => {
    await expect(workplace.train('one', 'binary', lightgbm(), { where: 'score > 0.2' })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('has the same value in all'),
    });
  });

  test('predicts a quantile and a count by their own objectives', async () => {
    const [low, count] = [
      await workplace.train(
        'quantile',
        'regression',
        lightgbm({ rounds: 60, params: { objective: 'quantile', alpha: 0.1 } }),
      ),
      await workplace.train('poisson', 'regression', lightgbm({ rounds: 60, params: { objective: 'poisson' } })),
    ];
    const below = await score(low);
    const share = below.labels.filter((label, row) => label <= (below.outputs[row] ?? 0)).length / below.labels.length;
    expect(share).toBeLessThan(0.3);
    expect(goodness('regression', await score(count))).toBeGreaterThan(0.9);
  });
});

describe('scikit-learn', () => {
  test.each(tasks.flatMap((task) => estimators[task].map((estimator) => [estimator, task] as const)))(
    '%s learns a %s target and is served as it was trained',
    async (estimator, task) => {
      const params = estimator === 'RandomForest' ? { n_estimators: 30 } : {};
      const trained = await workplace.train(
        `${estimator}-${task}`,
        task,
        sklearn({ estimator, params, tolerance: 1e-5 }),
      );
      expect(goodness(task, await score(trained))).toBeGreaterThan(0.85);
      expect(trained.points.map((point) => point.name)).toEqual(['loss']);
      await expectAnswerToUnseen(trained);
    },
  );

  test.each([
    [sklearn({ estimator: 'Ridge' }), /Ridge does not take a binary target/],
    [
      sklearn({ estimator: 'RandomForest', params: { n_estimators: 0 } }),
      /n_estimators must be a whole number of at least 1/,
    ],
    [sklearn({ estimator: 'HistGradientBoosting', params: { max_depth: -2 } }), /max_depth/],
    [sklearn({ estimator: 'LogisticRegression', params: { c: 2 } }), /params\.sklearn\.c cannot be set/],
  ])('refuses what does not fit, by its name (%#)', async (trainer, reason) => {
    await expect(workplace.train('wrong', 'binary', trainer)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(reason),
    });
  });
});

const torchSuite = torchMissing === null ? describe : describe.skip;
torchSuite(torchMissing === null ? 'PyTorch' : `PyTorch: skipped, because ${torchMissing}`, () => {
  // The packages of python3, because those that are pinned are gigabytes.
  const here = (options: Parameters<typeof torch>[0]) => ({
    ...torch(options),
    command: ['python3', '-m', 'torch_trainer'],
    environment: null,
  });

  test.each(tasks)('learns a %s target on the CPU and is served as it was trained', async (task) => {
    const trained = await workplace.train(`torch-${task}`, task, here(small));
    expect(goodness(task, await score(trained))).toBeGreaterThan(0.85);
    expect(trained.checkpoints.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    await expectAnswerToUnseen(trained);
  });

  test('goes on from a checkpoint to the same bytes', async () => {
    const whole = await workplace.train('torch-whole', 'binary', here(small));
    const resume = whole.checkpoints[1] ?? null;
    const { result, points } = await workplace.train('torch-resumed', 'binary', here(small), { resume });
    expect(points.map(({ step }) => step)).toEqual([3, 4]);
    expect(await sha256File(result.files['model.onnx'])).toBe(await sha256File(whole.result.files['model.onnx']));
  });

  test('begins anew from a checkpoint of another training, and says so', async () => {
    const other = await workplace.train('torch-other', 'binary', here({ ...small, epochs: 1 }), { seed: 8 });
    const resume = other.checkpoints[0] ?? null;
    const { said, points } = await workplace.train('torch-anew', 'binary', here(small), { resume });
    expect(said).toContain('The checkpoint is damaged or of another training: begins anew');
    expect(points.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });
});

/** On the rows that were held out; `labels` and `outputs` in the same order. */
function score({ packageFolder }: Trained): Promise<Scores> {
  return scoreRows({
    packageFolder,
    parquetFiles: [workplace.data],
    dataset: 'shops',
    where: 'id % 7 = 0',
    workFolder: join(workplace.folder, 'scores'),
    signal: new AbortController().signal,
    onRows: () => undefined,
  });
}

/** Share of right answers, or of the variance that is explained. */
function goodness(task: Task, { outputs, width, labels }: Scores): number {
  if (task === 'regression') {
    const mean = labels.reduce((sum, label) => sum + label, 0) / labels.length;
    const rest = labels.reduce((sum, label, row) => sum + (label - (outputs[row] ?? 0)) ** 2, 0);
    return 1 - rest / labels.reduce((sum, label) => sum + (label - mean) ** 2, 0);
  }
  const right = labels.filter((label, row) => {
    const answer = outputs.subarray(row * width, row * width + width);
    return label === (task === 'binary' ? Number((answer[0] ?? 0) > 0.5) : answer.indexOf(Math.max(...answer)));
  });
  return right.length / labels.length;
}

/** A shop that opened after the training gets an answer, not an error. */
async function expectAnswerToUnseen({ packageFolder, result }: Trained): Promise<void> {
  const signature: Signature = result.signature;
  const session = await openOnnxSession(packageFolder, signature);
  const answer = await session.predict({
    rows: 1,
    numbers: Float32Array.of(0.5, -0.5),
    categories: ['new', 'no such shop'],
  });
  await session.close();
  expect([...answer].every(Number.isFinite)).toBe(true);
}
