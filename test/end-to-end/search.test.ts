import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { SearchBudget, SearchResult, SearchStrategy } from '../../domain/search.ts';
import { listTrainingRecords } from '../../stores/training-records.ts';
import { temporaryFolder } from '../support/embedded.ts';
import { addFlights, cutFlights } from './flights.ts';
import { closed, eventually, openStage, type Stage, startRun, type Started } from './harness.ts';
import { checkout, writeProject } from './project.ts';

const limit = 240_000;

type TuneInput = {
  readonly data: string;
  readonly strategy: SearchStrategy;
  readonly budget: SearchBudget;
  readonly parallel: number;
  readonly epochs: number;
};

const tune = `import { choice, denseNet, float, integer, search, snapshot, split } from 'perdura/steps';
import { late } from './schema.ts';

export async function tune({ data, strategy, budget, parallel, epochs }) {
  const flights = await snapshot({ dataset: 'flights', from: data });
  const { training } = await split(flights, { byTime: 'date', holdout: 0.2 });
  const inner = await split(training, { byTime: 'date', holdout: 0.3 });
  return search({
    model: 'tuned', data: inner.training, validation: inner.holdout, features: 'tune', target: late, seed: 3, cache: false,
    space: { learningRate: float(1e-4, 1e-1, { log: true }), width: integer(4, 32), batchSize: choice([128, 512]) },
    trainer: (params, rung) =>
      denseNet({ hidden: [params.width], epochs: rung ?? epochs, learningRate: params.learningRate, batchSize: params.batchSize }),
    strategy, budget, parallel,
    objective: { metric: 'auc', direction: 'higher' },
  });
}
`;

const asha: SearchStrategy = { kind: 'asha', firstRung: 1, lastRung: 4, reduction: 2, proposals: 'tpe' };
let stage: Stage;
let data = '';

beforeAll(async () => {
  stage = await openStage(async (folder) => {
    await writeProject(folder, { tune: { 'pipeline.ts': tune } });
    for (const file of ['airports.ts', 'features.ts', 'schema.ts'])
      await cp(join(checkout, 'pipelines/flights', file), join(folder, 'pipelines/tune', file));
  });
  data = await addFlights(stage, await cutFlights(temporaryFolder(), 1, 2_000));
}, limit);
afterAll(() => stage?.close(), limit);

function start(name: string, input: Omit<TuneInput, 'data'>): Promise<Started> {
  return startRun(stage, 'tune', `tune/${name}`, { data, ...input });
}

async function found(run: Started): Promise<SearchResult> {
  expect(await closed(run.handle, limit)).toBe('COMPLETED');
  return (await run.handle.result()) as SearchResult;
}

/** What a search is about, without clocks. */
function essence({ trials, best }: SearchResult) {
  return {
    best,
    trials: trials.map(({ number, params, score, rung, status }) => ({ number, params, score, rung, status })),
  };
}

/** The folders of a run's trainings below its search, in the order in which they began. */
async function trainingsOf({ key }: Started): Promise<readonly string[]> {
  const records = await listTrainingRecords(stage.store, key);
  return records.map(({ stepId }) => stepId.split('/').slice(-2).join('/'));
}

test(
  'a worker that is killed at every trial boundary changes neither the trials nor the winner; promoted trials go on from their checkpoints',
  async () => {
    const input = { strategy: asha, budget: { trials: 4 }, parallel: 1, epochs: 1 };
    const calm = await start('calm', input);
    const expected = essence(await found(calm));
    const trainings = await trainingsOf(calm);
    expect(expected.trials).toHaveLength(4);
    // Two of four are promoted, and one of these two once more.
    expect(trainings.filter((folder) => folder.endsWith('rung-1'))).toHaveLength(2);
    expect(trainings.filter((folder) => folder.endsWith('rung-2'))).toHaveLength(1);
    expect(expected.best?.number).toBe(expected.trials.find(({ rung }) => rung === 2)?.number);

    const disturbed = await start('disturbed', input);
    for (const folder of trainings) {
      await stage.killWorkerAfter({ key: `${folder}/attempt.json`, text: '"published":{' });
      await stage.startWorker();
    }
    expect(essence(await found(disturbed))).toEqual(expected);
  },
  limit,
);

test(
  'trials at once give the same as long as their number is the same, whenever a worker dies',
  async () => {
    const input = {
      strategy: { kind: 'tpe', startup: 2, candidates: 8 },
      budget: { trials: 5 },
      parallel: 3,
      epochs: 1,
    } as const;
    const expected = essence(await found(await start('three-calm', input)));
    const disturbed = await start('three-disturbed', input);
    await eventually('two trainings', async () => (await trainingsOf(disturbed)).length >= 2);
    await stage.killWorker();
    await stage.startWorker();
    expect(essence(await found(disturbed))).toEqual(expected);
  },
  limit,
);

test(
  'a budget in time ends the trial that would pass it',
  async () => {
    const input = {
      strategy: { kind: 'random' },
      budget: { time: '8 seconds' },
      parallel: 1,
      epochs: 100_000,
    } as const;
    const { trials, best, endedBy } = await found(await start('time', input));
    expect(trials).toMatchObject([{ number: 0, status: 'stopped', score: null }]);
    expect(best).toBeNull();
    expect(endedBy).toBe('The time is used up.');
  },
  limit,
);

test(
  'a budget in money needs prices before the first trial',
  async () => {
    const run = await start('money', { strategy: { kind: 'random' }, budget: { cost: 1 }, parallel: 1, epochs: 1 });
    expect(await closed(run.handle)).toBe('FAILED');
    expect(await trainingsOf(run)).toEqual([]);
  },
  limit,
);

test(
  'a trial that cannot be trained is a trial that failed, and the search goes on',
  async () => {
    const input = { strategy: { kind: 'random' }, budget: { trials: 2 }, parallel: 2, epochs: -1 } as const;
    const { trials, best } = await found(await start('failing', input));
    expect(trials.map(({ status }) => status)).toEqual(['failed', 'failed']);
    expect(trials[0]?.reason).toContain('epochs must be');
    expect(best).toBeNull();
  },
  limit,
);
