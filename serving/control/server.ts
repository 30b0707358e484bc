import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { CodedError } from '../../domain/errors.ts';
import { openOnlineStore } from '../../stores/online/open-online-store.ts';
import { createS3ObjectStore } from '../../stores/objects/s3-object-store.ts';
import { downloadPackage } from '../../stores/packages.ts';
import { trustedKeys } from '../../stores/signing/trusted-keys.ts';
import { createCounters } from '../counters.ts';
import { createInFlight } from '../answering/in-flight.ts';
import { createLocalRoutes } from './local-routes.ts';
import { openInferenceLog } from '../log/inference-log.ts';
import { createPastLookup } from '../answering/past-lookup.ts';
import { createRouteFollower } from './route-follower.ts';
import { createApp } from '../protocol/http-server.ts';
import type { ServingConfig } from '../serving-config.ts';
import { createSessions } from '../models/sessions.ts';
import { createShadowQueue } from '../hosting/shadow-queue.ts';

/** A model server that answers. */
export type ModelServer = {
  readonly url: string;
  /** Takes no more connections, finishes what is under way, brings the log to the bucket (or leaves it for the next start). */
  drain(): Promise<void>;
};

const host = '127.0.0.1';
const shadowCapacity = 4_096;
/** Times that a drain gives to requests, to shadows and to the log. */
const requestsAtMostMs = 10_000;
const shadowsAtMostMs = 3_000;
const logAtMostMs = 5_000;

/**
 * Starts a model server: loads all routes first, then listens.
 *
 * @throws CodedError PORT_IN_USE; CONFLICT when another process has the same replica's log.
 */
export async function startServer(config: ServingConfig): Promise<ModelServer> {
  const report = (line: string): void => console.error(`${new Date().toISOString()} ${line}`);
  const store = createS3ObjectStore(config.s3);
  const counters = createCounters();
  const log = await openInferenceLog({
    store,
    folder: join(config.homeFolder, 'inference'),
    replica: config.replica,
    flushEveryMs: config.flushEveryMs,
    report,
    onUploaded: (segment, rows) => {
      if (segment.kind === 'inference') counters.of(segment.endpoint).logged += rows;
    },
  });
  const keysFolder = join(config.homeFolder, 'keys');
  const packages = {
    folder: join(config.homeFolder, 'packages'),
    trusted: trustedKeys({ keysFolder, files: config.trustedKeys }),
  };
  const follower = createRouteFollower({
    store,
    sessions: createSessions((reference) => downloadPackage(store, reference, packages)),
    local: createLocalRoutes(join(config.homeFolder, 'routes')),
    report,
  });
  const shadows = createShadowQueue({ capacity: shadowCapacity });
  const past = createPastLookup({
    open: () => openOnlineStore({ folder: join(config.homeFolder, 'online'), url: config.onlineStore }),
    report,
  });
  let open = true;
  const inFlight = createInFlight(config.maxInFlight);
  const app = createApp({ follower, log, shadows, counters, inFlight, past, open: () => open });
  const close = async (): Promise<void> => {
    open = false;
    await closeConnections(app);
    await shadows.drain({ atMostMs: shadowsAtMostMs });
    follower.close();
    await past.close();
    await log.close({ atMostMs: logAtMostMs });
    store.close();
  };
  try {
    await follower.start();
    return { url: await listen(app, config.port), drain: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listen(app: FastifyInstance, port: number | null): Promise<string> {
  try {
    await app.listen({ host, port: port ?? 0 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new CodedError(
      'PORT_IN_USE',
      `Port ${String(port)} of the model server is taken by another process. Choose another (PERDURA_SERVING_PORT) or leave it out.`,
      { details: { port } },
    );
  }
  return `http://${host}:${(app.server.address() as AddressInfo).port}`;
}

/** A connection becomes idle when its last answer is sent: closing those that are idle now would leave the busy ones open. */
async function closeConnections(app: FastifyInstance): Promise<void> {
  const closed = app.close();
  const late = performance.now() + requestsAtMostMs;
  let done = false;
  const whenClosed = closed.then(() => {
    done = true;
  });
  while (!done) {
    await Promise.race([whenClosed, wait(20)]);
    if (performance.now() < late) app.server.closeIdleConnections();
    else app.server.closeAllConnections();
  }
}
