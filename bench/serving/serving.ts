import type { ModelServerProcess } from '../../serving/start-process.ts';
import { type FloorProcess, runSessionLoop, startFloor } from './floors/floor-process.ts';
import { type LoadProcess, startLoad } from './load/load-process.ts';
import { floorTarget, measureSide, serverTarget, type Rounds, type SideRound, type Target } from './measure.ts';
import { printAtRate, printFloors, printPairs, printRestarts } from './report.ts';
import { pairs, type Side } from './sides.ts';
import { openServingWorkplace, type ServingWorkplace } from './workplace.ts';

/** How long and how often; the defaults are those of published figures. */
export type ServingBenchOptions = {
  readonly rounds: number;
  readonly seconds: number;
  readonly rateRounds: number;
  readonly rateSeconds: number;
};

const published: ServingBenchOptions = { rounds: 5, seconds: 5, rateRounds: 3, rateSeconds: 12 };
const connections = 8;
const requestsPerMinute = 10_000;
const restarts = 3;

/**
 * The model server beside what the bare libraries do with the same model and the same bodies: closed loops over 8 connections, a fixed rate of
 * 10,000 requests a minute, and restarts. Load comes from a process of its own on the same machine; each side's rounds alternate with the others'.
 */
export async function benchServing(options: ServingBenchOptions = published): Promise<void> {
  const place = await openServingWorkplace();
  try {
    printFloors(await sessionFloors(place, options));
    await benchLoads(place, options);
    printRestarts(await timeRestarts(place));
  } finally {
    await place.close();
  }
  console.log(`\n${options.rounds} alternated rounds of ${options.seconds} s after one to warm up; ${machine()}`);
}

async function benchLoads(place: ServingWorkplace, options: ServingBenchOptions): Promise<void> {
  const load = await startLoad();
  const stands: Stand[] = [];
  try {
    for (const processes of [1, 2] as const) stands.push(await openStand(place, processes));
    const targetOf = targets(stands, place);
    printPairs(await closedRounds(load, targetOf, options));
    printAtRate(await fixedRate(load, targetOf, options), requestsPerMinute);
  } finally {
    load.close();
    for (const stand of stands) await closeStand(stand);
  }
}

/** A server and its floors, of so many processes that answer. */
type Stand = {
  readonly processes: Side['processes'];
  readonly replica: string;
  readonly server: ModelServerProcess;
  readonly floors: Readonly<Record<Side['at'], FloorProcess>>;
};

async function openStand(place: ServingWorkplace, processes: Side['processes']): Promise<Stand> {
  const replica = `bench-${processes}`;
  const [http, grpc] = [
    await startFloor('http', place.modelFile, processes),
    await startFloor('grpc', place.modelFile, processes),
  ];
  return { processes, replica, server: await place.startServer({ processes, replica }), floors: { http, grpc } };
}

async function closeStand({ floors, server }: Stand): Promise<void> {
  for (const floor of Object.values(floors)) floor.close();
  await server.stop();
}

type TargetOf = (side: Side, of: 'server' | 'floor') => Target;

function targets(stands: readonly Stand[], place: ServingWorkplace): TargetOf {
  return (side, of) => {
    const stand = stands.find(({ processes }) => processes === side.processes);
    if (stand === undefined) throw new Error(`No server of ${side.processes} processes was started.`);
    if (of === 'floor') return floorTarget(stand.floors[side.at]);
    return serverTarget(stand.server, side.at, () => place.untilLogged(stand.replica));
  };
}

async function sessionFloors(
  place: ServingWorkplace,
  { seconds }: ServingBenchOptions,
): Promise<ReadonlyMap<number, number>> {
  const found = new Map<number, number>();
  for (const rows of [1, 32]) {
    const { cpuMs, runs } = await runSessionLoop(place.modelFile, rows, seconds);
    found.set(rows, cpuMs / runs);
  }
  return found;
}

async function closedRounds(load: LoadProcess, targetOf: TargetOf, options: ServingBenchOptions): Promise<Rounds> {
  const all = new Map<string, { readonly side: Side; readonly of: 'server' | 'floor' }>();
  for (const { server, floor } of pairs) {
    all.set(floor.name, { side: floor, of: 'floor' });
    all.set(server.name, { side: server, of: 'server' });
  }
  const how = { loop: { kind: 'closed' as const }, seconds: options.seconds, connections };
  return rounds(options.rounds, [...all.values()], ({ side, of }) => measureSide(load, targetOf(side, of), side, how));
}

/** The plain and the shadowed endpoint at a rate that a real server has, where latency says more than at the limit. */
async function fixedRate(load: LoadProcess, targetOf: TargetOf, options: ServingBenchOptions): Promise<Rounds> {
  const sides = pairs.map(({ server }) => server);
  const loop = { kind: 'open' as const, perSecond: requestsPerMinute / 60 };
  const how = { loop, seconds: options.rateSeconds, connections };
  const measured = sides.filter(({ name }) => name === 'gRPC, 1 row' || name.startsWith('REST JSON, 1 row'));
  const work = measured.map((side) => ({ side }));
  return rounds(options.rateRounds, work, ({ side }) => measureSide(load, targetOf(side, 'server'), side, how));
}

/** One round of each to warm up, then rounds in alternated order. */
async function rounds<Work extends { readonly side: Side }>(
  count: number,
  works: readonly Work[],
  run: (work: Work) => Promise<SideRound>,
): Promise<Rounds> {
  const found = new Map<string, SideRound[]>(works.map(({ side }) => [side.name, []]));
  for (const work of works) await run(work);
  for (let round = 0; round < count; round += 1) {
    for (const work of round % 2 === 0 ? works : works.toReversed()) {
      found.get(work.side.name)?.push(await run(work));
    }
  }
  return found;
}

/** Milliseconds from the start of a server, whose packages are on the disk already, to its being ready. */
async function timeRestarts(place: ServingWorkplace): Promise<readonly number[]> {
  const found: number[] = [];
  for (let turn = 0; turn < restarts; turn += 1) {
    const began = performance.now();
    const server = await place.startServer();
    found.push(performance.now() - began);
    await server.stop();
  }
  return found;
}

function machine(): string {
  return `${connections} connections; node ${process.version}, ${process.platform}-${process.arch}`;
}
