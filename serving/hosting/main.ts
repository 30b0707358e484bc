import { setPriority } from 'node:os';
import { toFailure } from '../../domain/failure.ts';
import { endWithParent } from '../end-with-parent.ts';
import { createPastLookup } from '../answering/past-lookup.ts';
import { openLogWriter } from '../log/open-log-writer.ts';
import { createBatcher } from '../models/batcher.ts';
import { loadModel } from '../models/load-model.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { ModelPlan } from '../models/model-plan.ts';
import { runName } from '../models/open-model.ts';
import { createMetrics } from '../observe/create-metrics.ts';
import type { ServingMetrics } from '../observe/metrics.ts';
import type { FromHost, HostConfig, ShadowConfig, ToHost } from './host-messages.ts';
import { openLiveHost } from './live-host.ts';
import { openShadowHost, type ShadowHost } from './shadow-host.ts';

/** A host: one package in a process of its own. The control process forks it, asks it for reports, and ends it. */

type Running = { readonly shadow: ShadowHost | null; close(): Promise<void> };

const lowPriority = 10;
const shadowCapacity = 4_096;
/** Copies that a shadow takes at a time where its model's runs are not shared: they still share a write of the log. */
const shadowBatch = 64;
const requestsAtMostMs = 10_000;
const shadowsAtMostMs = 3_000;
/** Rows that wait for a model are bounded by the time that answering them takes. */
const waitAtMostMs = 10_000;

const config = JSON.parse(process.env['PERDURA_HOST_CONFIG'] ?? '') as HostConfig;
const metrics = createMetrics('host');
let running: Promise<Running> | null = null;
let ending = false;

async function start(): Promise<Running> {
  // Threads that are made later have the priority of this one.
  if (config.shadow !== null) setPriority(lowPriority);
  const { reference, folder, plan, socket } = config.prepared;
  const loaded = await loadModel(reference, folder, plan);
  const onRun = (run: Omit<Parameters<ServingMetrics['run']>[0], 'model'>): void =>
    metrics.run({ model: runName(reference), ...run });
  const { rows, waitMs } = plan.batching ?? { rows: 1, waitMs: 0 };
  const batcher = createBatcher((given) => loaded.run(given), { rows, waitMs, onRun, waitingRows: mostWaiting(plan) });
  if (config.shadow !== null) return openShadow(config.shadow, { ...loaded, run: (given) => batcher.run(given) });
  const host = await openLiveHost(socket, batcher);
  return { shadow: null, close: () => host.close({ atMostMs: requestsAtMostMs }) };
}

async function openShadow(shadow: ShadowConfig, model: LoadedModel): Promise<Running> {
  const { onlineStore, pricePerHour } = shadow;
  const log = openLogWriter(shadow.log);
  const past = createPastLookup({
    // Most packages know no past: the stores are loaded by the first that does.
    open: async () => (await import('../../stores/online/open-online-store.ts')).openOnlineStore(onlineStore),
    report: (line) => console.error(`${new Date().toISOString()} ${line}`),
  });
  const { socket } = config.prepared;
  const host = await openShadowHost(socket, {
    model,
    terms: shadow,
    log,
    past,
    pricePerHour,
    capacity: shadowCapacity,
    batch: shadowBatch,
  });
  return {
    shadow: host,
    async close() {
      await host.close({ atMostMs: shadowsAtMostMs });
      await past.close();
      log.close();
    },
  };
}

function mostWaiting({ measured, batching }: ModelPlan): number {
  const rowMs = batching === null ? measured.rowMs : measured.batchMs / Math.max(1, measured.batchRows);
  const rows = rowMs > 0 ? Math.floor(waitAtMostMs / rowMs) : Number.POSITIVE_INFINITY;
  return Math.max(shadowBatch, Math.min(8_192, rows));
}

/** Resolves when the message is on its way, or nobody is there to take it. */
function tell(message: FromHost): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, () => resolve());
  });
}

async function report(ask: number): Promise<void> {
  const shadow = (await running)?.shadow ?? null;
  await tell({ type: 'report', ask, counters: shadow?.counters() ?? {}, metrics: await metrics.json(), loads: 1 });
}

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await (await running)?.close();
  await report(0);
  process.exit(0);
}

async function take(message: ToHost): Promise<void> {
  switch (message.type) {
    case 'report':
      return report(message.ask);
    case 'terms':
      return (await running)?.shadow?.update(message);
    case 'end':
      return end();
    default:
      return message satisfies never;
  }
}

async function fail(error: unknown): Promise<void> {
  // Who forked it reports the failure; without one the log is all there is.
  if (!process.connected) console.error(error);
  await tell({ type: 'failed', failure: toFailure(error) });
  process.exit(1);
}

process.on('message', (message: ToHost) => void take(message).catch(fail));
// Without its control process nobody would end it or bring its log to the bucket.
endWithParent(() => void end().catch(fail));
process.on('SIGTERM', () => void end().catch(fail));
// Ctrl-C reaches the whole group of a terminal: the control process says when to go.
process.on('SIGINT', () => undefined);
running = start();
running.then(() => tell({ type: 'ready' })).catch(fail);
