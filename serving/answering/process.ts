import { join } from 'node:path';

import { toFailure } from '../../domain/failure.ts';
import { openOnlineStore } from '../../stores/online/open-online-store.ts';
import { createAdmission } from '../access/create-admission.ts';
import { createLocalShares } from '../access/local-shares.ts';
import { openLogWriter } from '../log/open-log-writer.ts';
import type { AnsweringReport, FromAnswering, ToAnswering } from '../messages.ts';
import { createSessions } from '../models/sessions.ts';
import { createMetrics } from '../observe/create-metrics.ts';
import { createLogger, reportTo } from '../observe/logger.ts';
import { createLoopGuard } from '../observe/loop-guard.ts';
import { startTracing } from '../observe/tracing.ts';
import type { ServingConfig } from '../serving-config.ts';
import { createAnsweringParts } from './answering-parts.ts';
import { createControlChannel } from './control-channel.ts';
import { createCounters } from './counters.ts';
import { createEndpoints } from './endpoints.ts';
import { createInFlight } from './in-flight.ts';
import { listen } from './listen.ts';
import { createPastLookup } from './past-lookup.ts';

/** One of the processes that answer. */
export type AnsweringProcess = {
  /** Does what the control process says. */
  take(message: Exclude<ToAnswering, { type: 'start' | 'drain' }>): Promise<void>;
  /** Takes no more connections, finishes what is under way, closes the log. */
  drain(options: { readonly idleGraceMs: number }): Promise<void>;
};

const askedEveryMs = 200;

/**
 * Loads what the control process says, listens, and tells it so.
 *
 * @throws CodedError PORT_IN_USE; why a model does not load; CONFIG_INVALID.
 */
export async function startAnswering(
  config: ServingConfig,
  start: Extract<ToAnswering, { type: 'start' }>,
  tell: (message: FromAnswering) => void,
): Promise<AnsweringProcess> {
  const report = reportTo(createLogger({ role: 'answering' }));
  const tracing = await startTracing(process.env);
  const channel = createControlChannel(tell);
  const metrics = createMetrics('answering');
  const sessions = createSessions((of) => metrics.run(of));
  const endpoints = createEndpoints({
    sessions,
    report,
    onInForce: ({ route, policy }) => metrics.inForce(route.endpoint, { route: route.epoch, policy: policy.epoch }),
  });
  const counters = createCounters();
  const shares = createLocalShares(config.processes);
  const log = openLogWriter({
    folder: join(config.homeFolder, 'inference'),
    replica: config.replica,
    writer: start.writer,
    flushEveryMs: config.flushEveryMs,
  });
  const past = createPastLookup({
    open: () => openOnlineStore({ folder: join(config.homeFolder, 'online'), url: config.onlineStore }),
    report,
  });
  await Promise.all(
    start.endpoints.map(async (prepared, index) => {
      await endpoints.prepare(-1 - index, prepared);
      endpoints.apply(-1 - index);
    }),
  );
  const inFlight = createInFlight(config.maxInFlight, {
    guard: createLoopGuard({ lag: metrics.lag, onRefused: () => metrics.overloaded('event-loop') }),
    onRefused: () => metrics.overloaded('in-flight'),
  });
  metrics.watchInFlight(() => inFlight.count());
  let open = true;
  const parts = createAnsweringParts({
    endpoints,
    channel,
    log,
    past,
    counters: (endpoint) => counters.of(endpoint),
    admission: createAdmission({ now: Date.now, ...shares, report }),
    inFlight,
    tracing,
    pricePerHour: config.pricePerHour,
    open: () => open,
  });
  const ports = await listen(parts, config, { start, metrics });
  const telling = setInterval(() => {
    const asked = shares.takeAsked();
    if (asked !== null) tell({ type: 'asked', asked });
  }, askedEveryMs);
  tell({ type: 'ready', httpPort: ports.http, grpcPort: ports.grpc });

  const describeSelf = async (): Promise<AnsweringReport> => ({
    counters: counters.all(endpoints.shadowsDropped()),
    metrics: await metrics.json(),
    loads: sessions.loads(),
  });
  return {
    async take(message) {
      switch (message.type) {
        case 'prepare':
          return tell({
            type: 'prepared',
            change: message.change,
            failure: await endpoints.prepare(message.change, message.endpoint).then(
              () => null,
              (error: unknown) => toFailure(error),
            ),
          });
        case 'apply':
          endpoints.apply(message.change);
          return tell({ type: 'applied', change: message.change });
        case 'discard':
          return endpoints.discard(message.change);
        case 'told':
          return channel.told(message);
        case 'shares':
          return shares.given(message.shares);
        case 'report':
          return tell({ type: 'report', ask: message.ask, ...(await describeSelf()) });
        default:
          return message satisfies never;
      }
    },
    async drain({ idleGraceMs }) {
      if (!open) return;
      open = false;
      clearInterval(telling);
      await ports.drain({ idleGraceMs });
      endpoints.close();
      await past.close();
      log.close();
      await tracing?.stop();
      // The last word: what this process counted must not go with it.
      tell({ type: 'report', ask: 0, ...(await describeSelf()) });
      metrics.close();
    },
  };
}
