import { setTimeout as pause } from 'node:timers/promises';
import { literal, openTables } from '../stores/tables.ts';
import { grpcClient, post, restClient } from './flight-clients.ts';

/** What the client sends: the flights of the files in order of time, one of `oneIn` where rows are thinned. */
export type TrafficPlan = {
  readonly url: string;
  /** Host and port of the same server's gRPC: every second flight is asked about there. */
  readonly grpcAddress: string;
  readonly endpoint: string;
  /** Sent with every request id, so that two runs of the job do not share ids. */
  readonly prefix: string;
  readonly files: readonly { readonly path: string; readonly month: string; readonly oneIn: number }[];
  readonly requestsPerSecond: number;
  /** Flights from this moment on wait until the parent lets them go, ISO 8601. */
  readonly upTo: string;
};

/** What the client has seen so far. */
export type TrafficReport = {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  readonly labels: number;
  /** Answers by protocol, and by model version. */
  readonly byProtocol: Readonly<Record<'rest' | 'grpc', number>>;
  readonly byVersion: Readonly<Record<string, number>>;
  /** Scheduled departure of the newest flight, and the months that are wholly sent. */
  readonly clock: string;
  readonly finishedMonths: readonly string[];
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  readonly done: boolean;
};

type Flight = {
  readonly date: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
  readonly delay: number;
};
type Label = { readonly requestId: string; readonly label: number; readonly knownAt: number };

const batchOfLabels = 200;
const tickMs = 20;

/** A process of its own: whoever measures a server does not share its event loop. */
async function main(plan: TrafficPlan): Promise<void> {
  const seen = {
    sent: 0,
    answered: 0,
    failed: 0,
    labels: 0,
    byProtocol: { rest: 0, grpc: 0 },
    byVersion: {} as Record<string, number>,
    clock: '',
    finishedMonths: [] as string[],
  };
  const latencies: number[] = [];
  const waiting: Label[] = [];
  let stopped = false;
  let upTo = Date.parse(plan.upTo);
  process.on('message', (message: 'stop' | { readonly upTo: string }) => {
    if (message === 'stop') stopped = true;
    else upTo = Date.parse(message.upTo);
  });
  process.on('disconnect', () => process.exit(0));
  const report = (done: boolean) =>
    process.send?.({ ...seen, ...percentiles(latencies), done } satisfies TrafficReport);
  const reporting = setInterval(() => report(false), 500);

  const rest = restClient(plan.url, plan.endpoint);
  const grpc = grpcClient(plan.grpcAddress, plan.endpoint);
  const send = async (flight: Flight) => {
    const requestId = `${plan.prefix}-${(seen.sent += 1)}`;
    const { delay, ...known } = flight;
    const began = performance.now();
    const client = seen.sent % 2 === 0 ? grpc : rest;
    const answer = await client.ask(requestId, { ...known, date: new Date(flight.date).toISOString() });
    latencies.push(performance.now() - began);
    if ('problem' in answer) {
      seen.failed += 1;
      console.error(`request ${requestId} (${client.protocol}): ${answer.problem}`);
      return;
    }
    seen.answered += 1;
    seen.byProtocol[client.protocol] += 1;
    seen.byVersion[answer.modelVersion] = (seen.byVersion[answer.modelVersion] ?? 0) + 1;
    waiting.push({ requestId, label: delay > 15 ? 1 : 0, knownAt: arrival(flight) });
  };
  const tell = async (clock: number) => {
    for (let due = takeDue(waiting, clock); due.length > 0; due = takeDue(waiting, clock)) {
      const answer = await post(`${plan.url}/endpoints/${plan.endpoint}/labels`, {
        labels: due.map(({ requestId, label }) => ({ requestId, label })),
      });
      if (answer.status === 202) seen.labels += due.length;
      else console.error(`labels: ${answer.status} ${answer.body}`);
    }
  };

  const perTick = (plan.requestsPerSecond * tickMs) / 1_000;
  let open: Promise<void>[] = [];
  let due = performance.now();
  for (const file of plan.files) {
    for await (const flight of flightsOf(file.path, file.oneIn)) {
      while (flight.date >= upTo && !stopped) {
        await pause(tickMs);
        due = performance.now();
      }
      if (stopped) break;
      open.push(send(flight));
      seen.clock = new Date(flight.date).toISOString();
      if (open.length < perTick) continue;
      await Promise.all(open);
      open = [];
      if (waiting.length >= batchOfLabels) await tell(flight.date);
      due += tickMs;
      await pause(Math.max(0, due - performance.now()));
    }
    if (!stopped) seen.finishedMonths.push(file.month);
  }
  await Promise.all(open);
  await tell(Number.POSITIVE_INFINITY);
  clearInterval(reporting);
  grpc.close();
  report(true);
}

async function* flightsOf(path: string, oneIn: number): AsyncIterable<Flight> {
  const tables = await openTables({ memoryLimit: '256MiB', threads: 1 });
  try {
    const sql = `SELECT epoch_ms(date)::DOUBLE AS date, distance::DOUBLE AS distance, origin, destination, delay::DOUBLE AS delay FROM (SELECT *, row_number() OVER () AS n FROM read_parquet(${literal(path)})) WHERE n % ${oneIn} = 0 ORDER BY n`;
    for await (const rows of tables.chunks(sql)) yield* rows as unknown as readonly Flight[];
  } finally {
    tables.close();
  }
}

/** When the outcome is known: after landing, at about 450 miles an hour. */
function arrival(flight: Flight): number {
  return flight.date + (flight.distance / 7.5 + Math.max(0, flight.delay)) * 60_000;
}

function takeDue(waiting: Label[], clock: number): readonly Label[] {
  const due: Label[] = [];
  const kept: Label[] = [];
  for (const label of waiting) (label.knownAt <= clock && due.length < 1_000 ? due : kept).push(label);
  waiting.splice(0, waiting.length, ...kept);
  return due;
}

function percentiles(latencies: readonly number[]): { readonly latencyP50Ms: number; readonly latencyP99Ms: number } {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2));
  return { latencyP50Ms: at(0.5), latencyP99Ms: at(0.99) };
}

await main(JSON.parse(process.env['PERDURA_TRAFFIC_PLAN'] ?? '{}') as TrafficPlan);
process.disconnect?.();
