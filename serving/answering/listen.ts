import { CodedError } from '../../domain/errors.ts';
import type { ToAnswering } from '../messages.ts';
import type { ServingMetrics } from '../observe/metrics.ts';
import { createHttpServer } from '../protocol/http-server.ts';
import { listenGrpc } from '../protocol/grpc/grpc-server.ts';
import type { ServingConfig } from '../serving-config.ts';
import type { AnsweringParts } from './parts.ts';

/** The open ports of an answering process. */
export type Listening = {
  readonly http: number;
  readonly grpc: number | null;
  /** Takes no more connections; resolves when all answers are out. */
  drain(options: { readonly idleGraceMs: number }): Promise<void>;
};

/** Drained gRPC connections get this long for the calls under way. */
const grpcGraceMs = 10_000;

/** Opens both ports, shared with the other answering processes. @throws CodedError PORT_IN_USE, CONFIG_INVALID. */
export async function listen(
  parts: AnsweringParts,
  config: ServingConfig,
  options: { readonly start: Extract<ToAnswering, { type: 'start' }>; readonly metrics: ServingMetrics },
): Promise<Listening> {
  const { start, metrics } = options;
  const { host, tls, bodyLimitBytes } = config;
  const http = createHttpServer(parts, { tls, bodyLimitBytes, metrics });
  const httpPort = await listenHttp(http.app, host, start.httpPort);
  const grpc = await listenGrpc(parts, { host, port: start.grpcPort, tls, maxMessageBytes: bodyLimitBytes, metrics });
  return {
    http: httpPort,
    grpc: grpc.port,
    drain: async (options) => void (await Promise.all([http.drain(options), grpc.drain(grpcGraceMs)])),
  };
}

type App = Awaited<ReturnType<typeof createHttpServer>>['app'];

async function listenHttp(app: App, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new CodedError(
      'PORT_IN_USE',
      `Port ${port} of the model server is taken by another process. Choose another (PERDURA_SERVING_PORT) or leave it out.`,
      { details: { port } },
    );
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
