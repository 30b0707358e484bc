import { readdirSync, readFileSync } from 'node:fs';
import { cp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { SearchBudget, SearchResult, SearchStrategy } from '../../domain/search.ts';
import { listSearchRecords } from '../../stores/search-records.ts';
import { createObjectCache } from '../../stores/object-cache.ts';
import { openTables } from '../../stores/tables.ts';
import { listTrainingRecords, readMetricPoints } from '../../stores/training-records.ts';
import { temporaryFolder } from '../support/embedded.ts';
import { addFlights, cutFlights } from './flights.ts';
import { closed, eventually, openStage, type Stage, type Started, startRun } from './harness.ts';
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

const asha = { kind: 'asha', firstRung: 1, lastRung: 4, reduction: 2, proposals: 'tpe' } as const;
const random = { kind: 'random' } as const;
/** More epochs than a test waits for. */
const endless = 1_000_000;
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

/** Steps that a training reported its loss for. */
async function stepsOf({ key }: Started, folder: string): Promise<readonly number[]> {
  const record = (await listTrainingRecords(stage.store, key)).find(({ stepId }) => stepId.endsWith(folder));
  if (record === undefined || record.points === null) throw new Error(`${folder} reported nothing`);
  const tables = await openTables();
  try {
    const cache = createObjectCache(stage.store, join(stage.homeFolder, 'cache'));
    const points = await readMetricPoints(tables, await cache.localFile(record.points));
    return points.flatMap(({ name, step }) => (name === 'loss' ? [step] : []));
  } finally {
    tables.close();
  }
}

/** The worker's own children that train now. */
function trainers(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = readOrNothing(`/proc/${pid}/stat`);
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(parent) === stage.workerPid() && readOrNothing(`/proc/${pid}/cmdline`).includes('trainer-process');
    });
}

/** CPU time of the worker and of all that it started and waited for. */
function workerCpuSeconds(): number {
  const stat = readOrNothing(`/proc/${stage.workerPid()}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

/** Processes go while they are looked at. */
function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

test(
  'successive halving trains promoted trials on from their checkpoints, and recommends one that came through',
  async () => {
    const calm = await start('halving', { strategy: asha, budget: { trials: 4 }, parallel: 2, epochs: 1 });
    const { best, trials } = await found(calm);
    const trainings = await trainingsOf(calm);
    expect(trials).toHaveLength(4);
    // Two of four are promoted, and one of these two once more.
    expect(trainings.filter((folder) => folder.endsWith('rung-1'))).toHaveLength(2);
    expect(trainings.filter((folder) => folder.endsWith('rung-2'))).toHaveLength(1);
    expect(best?.number).toBe(trials.find(({ rung }) => rung === 2)?.number);
    const [kept] = await listSearchRecords(stage.store, calm.key);
    expect(kept).toMatchObject({ best, trials });
    // Epochs of its own: 1, then 2, then 3 and 4.
    for (const [rung, epochs] of [[1], [2], [3, 4]].entries())
      expect(await stepsOf(calm, `trial-${best?.number}/rung-${rung}`)).toEqual(epochs);
  },
  limit,
);

test(
  'a worker that is killed at every trial boundary changes neither the trials nor the winner, of one trial at a time and of three at once',
  async () => {
    // Two new trials and a promotion: what follows a trial is a new one, a promotion, or the end.
    const one = { strategy: { ...asha, lastRung: 2 }, budget: { trials: 2 }, parallel: 1, epochs: 1 };
    const tpe = { kind: 'tpe', startup: 2, candidates: 8 } as const;
    const three = { strategy: tpe, budget: { trials: 5 }, parallel: 3, epochs: 1 };
    const both = async (name: string) => [await start(name, one), await start(`${name}-three`, three)] as const;
    const [calm, calmThree] = await both('calm');
    const expected = [essence(await found(calm)), essence(await found(calmThree))];
    const trainings = await trainingsOf(calm);
    expect(trainings).toHaveLength(3);

    const [disturbed, disturbedThree] = await both('disturbed');
    for (const folder of trainings) {
      await stage.killWorkerAfter({
        key: `tune/disturbed/${disturbed.key.runId}/artifacts/3-search/${folder}/attempt.json`,
        text: '"published":{',
      });
      await stage.startWorker();
    }
    expect([essence(await found(disturbed)), essence(await found(disturbedThree))]).toEqual(expected);
  },
  limit,
);

test(
  'a budget in time ends the trial that would pass it',
  async () => {
    const input = {
      strategy: { kind: 'random' },
      budget: { time: '4 seconds' },
      parallel: 1,
      epochs: endless,
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
    const run = await start('no-prices', { strategy: random, budget: { cost: 1 }, parallel: 1, epochs: 1 });
    expect(await closed(run.handle)).toBe('FAILED');
    expect(await trainingsOf(run)).toEqual([]);
  },
  limit,
);

test(
  'a budget in money is not passed by trials that would never end, at a real price',
  async () => {
    // A core costs 1 a second. Of the first two trials each may use half of the money.
    const [most, parallel] = [20 * availableParallelism() * 2, 2];
    const prices = join(stage.projectFolder, 'prices.json');
    await writeFile(prices, JSON.stringify({ currency: 'EUR', cpuHour: 3_600 }));
    try {
      const before = workerCpuSeconds();
      const run = await start('money', { strategy: random, budget: { cost: most }, parallel, epochs: endless });
      const { trials, spent, endedBy } = await found(run);
      expect(endedBy).toBe('The money is used up.');
      expect(trials.slice(0, 2).map(({ status }) => status)).toEqual(['stopped', 'stopped']);
      expect(spent.cost).toBe(trials.reduce((sum, { cost }) => sum + (cost ?? 0), 0));
      expect(spent.cost).toBeLessThanOrEqual(most);
      // What the system counted, the worker's own work included, is no more than the search says.
      expect(workerCpuSeconds() - before).toBeLessThanOrEqual(most);
      expect(spent.cost ?? 0).toBeGreaterThan(1);
    } finally {
      await rm(prices);
    }
  },
  limit,
);

test(
  'a search that is cancelled leaves no trainer',
  async () => {
    const run = await start('cancelled', { strategy: random, budget: { trials: 4 }, parallel: 2, epochs: endless });
    const pids = await eventually('two trainers', () => (trainers().length === 2 ? trainers() : null));
    expect(pids).toHaveLength(2);
    await run.handle.cancel();
    expect(await closed(run.handle)).toBe('CANCELLED');
    expect(trainers()).toEqual([]);
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
