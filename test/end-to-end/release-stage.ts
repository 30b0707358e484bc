import type { ModelReference } from '../../domain/model-package.ts';
import type { Registry } from '../../domain/registry.ts';
import type { Route } from '../../domain/route.ts';
import { readRegistry, versionReference } from '../../stores/registry.ts';
import { readRoute } from '../../stores/routes.ts';
import { addFlights, cutFlights, startTraffic, type Traffic } from './flights.ts';
import { eventually, openStage, sealed, type Stage, type Started, startRun } from './harness.ts';
import { type RampInput, type ReleaseInput, writeReleaseProject } from './project.ts';

/** The weights of a canary unless a test says otherwise. */
export const weights = [10, 50];

/** A stage with a champion under live traffic, a version beside it, and the two pipelines of project.ts. */
export type ReleaseStage = Stage & {
  readonly traffic: Traffic;
  release(name: string, differing?: Partial<ReleaseInput>): Promise<Started>;
  /** A canary of the version beside the champion, unless another is named. */
  ramp(name: string, differing?: Partial<RampInput>): Promise<Started>;
  champion(): Promise<ModelReference>;
  /** A version that is whole and not the champion. */
  spare(): Promise<ModelReference>;
  route(): Promise<Route>;
  /** Waits until a step of the run has set the route. */
  routeOf(run: Started, change: string): Promise<Route>;
  /** A run of a test that failed must not hold the endpoint against the next. */
  endRuns(): Promise<void>;
};

export async function openReleaseStage(): Promise<ReleaseStage> {
  const stage = await openStage(writeReleaseProject);
  try {
    const data = await addFlights(stage, await cutFlights(stage.projectFolder, 1, 30_000));
    const runs = starting(stage, data);
    const both = [await runs.release('first'), await runs.release('spare', { weights: [] })];
    const ends = await Promise.all(both.map((run) => sealed(stage, run)));
    if (ends.some((status) => status !== 'COMPLETED')) throw new Error(`The first runs ended as ${ends.join(', ')}.`);
    const traffic = await startTraffic(stage, await cutFlights(stage.projectFolder, 2, 5_000));
    const close = async () => {
      await traffic.stop();
      await stage.close();
    };
    return { ...stage, ...runs, traffic, close };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

function starting(stage: Stage, data: string): Omit<ReleaseStage, keyof Stage | 'traffic'> {
  const started: Started[] = [];
  const start = async (pipeline: string, name: string, input: ReleaseInput | RampInput) => {
    const run = await startRun(stage, pipeline, `${pipeline}/${name}`, input);
    started.push(run);
    return run;
  };
  const route = () => readFlightsRoute(stage);
  const spare = async () => {
    const registry = await readFlights(stage);
    const whole = registry.versions.filter(({ status }) => status === 'ready');
    const other = whole.find(({ modelVersion }) => modelVersion !== registry.aliases.champion);
    return versionReference(registry, other?.modelVersion ?? 'none');
  };
  return {
    release: (name, differing) => start('release', name, { data, epochs: 1, weights, requests: 3, ...differing }),
    ramp: async (name, differing) =>
      start('ramp', name, { version: await spare(), weights, requests: 3, end: 'return', ...differing }),
    async champion() {
      const registry = await readFlights(stage);
      return versionReference(registry, registry.aliases.champion ?? 'none');
    },
    spare,
    route,
    routeOf: (run, change) =>
      eventually(`route ${change}`, async () => {
        const now = await route();
        return now.changeId === `${run.key.workflowId}/${run.key.runId}/${change}` && now;
      }),
    async endRuns() {
      for (const { handle } of started.splice(0)) await handle.terminate().catch(() => undefined);
    },
  };
}

async function readFlights(stage: Stage): Promise<Registry> {
  const registry = await readRegistry(stage.store, 'flights');
  if (registry === null) throw new Error('There is no version yet.');
  return registry;
}

async function readFlightsRoute(stage: Stage): Promise<Route> {
  const found = await readRoute(stage.store, 'flights');
  if (found === null) throw new Error('There is no route yet.');
  return found.route;
}
