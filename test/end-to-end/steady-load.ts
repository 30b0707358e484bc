import { grpcClient } from './steady-grpc.ts';
import { restClient } from './steady-rest.ts';

/** One request of a tiny model: its two numbers, and its category. */
export type Asked = {
  readonly id: string;
  readonly endpoint: string;
  readonly numbers: readonly [number, number];
  readonly origin: string;
};

/** `cut`: the connection broke before an answer came, as it does when a process is killed. */
export type Came =
  | { readonly kind: 'answered'; readonly id: string; readonly modelVersion: string; readonly output: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'failed'; readonly why: string };

/** One protocol's client: `again` asks over a connection of its own. */
export type Client = {
  readonly protocol: 'REST' | 'gRPC';
  ask(asked: Asked): Promise<Came>;
  again(asked: Asked): Promise<Came>;
  close(): void;
};

/** Requests at a steady rate on both protocols, each under an id of its own, until told to stop. */
export type SteadyLoad = {
  sent(): number;
  answered(): number;
  /** Requests that were repeated once, with the same id, because their connection broke. */
  repeated(): readonly string[];
  /**
   * What no client may see, since it was asked last: any other failure, a repeat that failed too, an answer to another id, a wrong number.
   * The first few.
   */
  takeFailures(): readonly string[];
  /** Ids of all requests that were answered, by endpoint. */
  ids(): ReadonlyMap<string, ReadonlySet<string>>;
  /** Waits for what is under way. */
  stop(): Promise<void>;
};

export type SteadyLoadOptions = {
  readonly url: string;
  readonly grpcUrl: string;
  readonly name: string;
  /** Requests a second of each endpoint, REST and gRPC in turn. */
  readonly rates: Readonly<Record<string, number>>;
  /** What a version must answer to a request. */
  readonly expected: (asked: Asked, modelVersion: string) => number;
};

const tickMs = 10;
const shownFailures = 5;

/** Sends what is due at each tick, whatever the answers do: a server that stalls gets no relief. */
export function startSteadyLoad(options: SteadyLoadOptions): SteadyLoad {
  const clients = [restClient(options.url), grpcClient(options.grpcUrl)];
  const seen = {
    sent: 0,
    answered: 0,
    repeated: [] as string[],
    failures: [] as string[],
    ids: new Map<string, Set<string>>(),
  };
  const underWay = new Set<Promise<void>>();
  const one = async (asked: Asked, client: Client): Promise<void> => {
    let came = await client.ask(asked);
    if (came.kind === 'cut') {
      seen.repeated.push(`${client.protocol} ${asked.endpoint} ${asked.id}`);
      came = await client.again(asked);
    }
    const problem = problemOf(asked, came, options.expected);
    if (problem !== null) seen.failures.push(`${asked.endpoint} ${asked.id}: ${problem}`);
    if (came.kind !== 'answered') return;
    seen.answered += 1;
    seen.ids.get(asked.endpoint)?.add(asked.id);
  };
  const send = (endpoint: string): void => {
    const place = (seen.sent += 1);
    const client = clients[place % clients.length];
    if (client === undefined) return;
    const id = `${options.name}-${place}`;
    const asking = one({ id, endpoint, numbers: [(place % 50) / 10, place % 24], origin: 'SFO' }, client);
    underWay.add(asking);
    void asking.finally(() => underWay.delete(asking));
  };
  const began = performance.now();
  const due = Object.entries(options.rates).map(([endpoint, rate]) => ({ endpoint, rate, sent: 0 }));
  for (const { endpoint } of due) seen.ids.set(endpoint, new Set());
  const timer = setInterval(() => {
    const seconds = (performance.now() - began) / 1_000;
    for (const each of due) for (; each.sent < seconds * each.rate; each.sent += 1) send(each.endpoint);
  }, tickMs);
  return {
    sent: () => seen.sent,
    answered: () => seen.answered,
    repeated: () => seen.repeated,
    takeFailures: () => seen.failures.splice(0).slice(0, shownFailures),
    ids: () => seen.ids,
    async stop() {
      clearInterval(timer);
      while (underWay.size > 0) await Promise.all(underWay);
      for (const client of clients) client.close();
    },
  };
}

function problemOf(asked: Asked, came: Came, expected: SteadyLoadOptions['expected']): string | null {
  if (came.kind === 'cut') return 'the connection broke, and that of its repeat too';
  if (came.kind === 'failed') return came.why;
  if (came.id !== asked.id) return `the answer was to ${came.id}`;
  const right = expected(asked, came.modelVersion);
  return Math.abs(came.output - right) < 1e-5
    ? null
    : `version ${came.modelVersion} answered ${came.output}, not ${right}`;
}
