import { encodeRows } from '../../domain/features.ts';
import { compute } from '../answering/compute.ts';
import type { Input } from '../answering/call.ts';
import { toLoggedRows } from '../answering/logged-rows.ts';
import type { PastLookup } from '../answering/past-lookup.ts';
import { type EndpointCounters, noCounts } from '../endpoint-status.ts';
import type { LoggedRow, LogWriter } from '../log/log-writer.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { ShadowTerms } from './host-messages.ts';
import { createLineReader } from './lines.ts';
import { closeListener, listenOn } from './listener.ts';
import type { ShadowJob } from './shadow-feed.ts';

/** A shadow: it takes copies of live requests, answers them for the log alone, and drops what it does not keep up with. */
export type ShadowHost = {
  /** Logs under other terms from now on. */
  update(terms: ShadowTerms): void;
  counters(): Readonly<Record<string, EndpointCounters>>;
  /** Takes no more copies, answers what it has for at most so long, and drops the rest. */
  close(options: { readonly atMostMs: number }): Promise<void>;
};

export type ShadowHostOptions = {
  readonly model: LoadedModel;
  readonly terms: ShadowTerms;
  readonly log: LogWriter;
  readonly past: PastLookup;
  readonly pricePerHour: number | null;
  /** Copies that wait at most. */
  readonly capacity: number;
  /** Copies that are taken at a time: they share runs of the model and one write of the log. */
  readonly batch: number;
};

type Arrived = { readonly job: ShadowJob; readonly at: number };

/** Listens for copies. @throws the system's error when the socket cannot be made. */
export async function openShadowHost(socketPath: string, options: ShadowHostOptions): Promise<ShadowHost> {
  const { capacity, batch } = options;
  const counts = new Map<string, EndpointCounters>();
  let { terms } = options;
  let waiting: Arrived[] = [];
  let working: Promise<void> | null = null;
  let deadline = Number.POSITIVE_INFINITY;

  const countersNow = (): EndpointCounters => {
    const { endpoint } = terms.route;
    const known = counts.get(endpoint) ?? noCounts();
    counts.set(endpoint, known);
    return known;
  };
  const drop = (copies: number): void => void (countersNow().shadowDropped += copies);
  const work = async (): Promise<void> => {
    while (waiting.length > 0 && performance.now() < deadline) {
      const taken = waiting.slice(0, batch);
      waiting = waiting.slice(batch);
      try {
        await answerCopies(options, terms, taken);
        countersNow().shadowed += taken.length;
      } catch (error) {
        console.error(error);
        drop(taken.length);
      }
      // What has arrived meanwhile is read now: a copy is dropped by the queue's length, never by being unread.
      await new Promise((resolve) => setImmediate(resolve));
    }
    working = null;
  };
  const listener = await listenOn(socketPath, (socket) => {
    const read = createLineReader((line) => {
      if (waiting.length >= capacity) return drop(1);
      waiting.push({ job: JSON.parse(line) as ShadowJob, at: performance.now() });
      working ??= work();
    });
    socket.on('data', (bytes) => read(bytes));
  });
  return {
    update: (next) => void (terms = next),
    counters: () => Object.fromEntries(counts),
    async close({ atMostMs }) {
      deadline = performance.now() + atMostMs;
      // What was written before the other side closed is read first.
      await closeListener(listener, { atMostMs });
      await working;
      if (waiting.length > 0) drop(waiting.length);
      waiting = [];
    },
  };
}

/** All copies at once: the batcher below the model lets them share a run, and one that fails is a row like any other. */
async function answerCopies(
  options: ShadowHostOptions,
  { route, policy }: ShadowTerms,
  taken: readonly Arrived[],
): Promise<void> {
  const { model, past, pricePerHour, log } = options;
  const rows = await Promise.all(
    taken.map(async ({ job, at }): Promise<LoggedRow[]> => {
      const input = inputOf(job);
      const computed = await compute(model, input, { past, tracing: null, rowsPerRequest: 1 });
      return toLoggedRows(model, input, computed, {
        requestId: job.requestId,
        subject: job.subject,
        endpoint: route.endpoint,
        epoch: route.epoch,
        arm: 'shadow',
        caller: null,
        started: at,
        pricePerHour,
      });
    }),
  );
  await log.append(policy, rows.flat());
}

function inputOf({ record, features }: ShadowJob): Input {
  if (features === null) return { kind: 'records', records: [record] };
  return { kind: 'tensors', encode: (signature) => encodeRows(signature, [features]) };
}
