import { Server, type ServerCredentials } from '@grpc/grpc-js';
import { CodedError } from '../../../domain/errors.ts';
import type { TlsFiles } from '../../access/tls.ts';
import type { AnsweringParts } from '../../answering/parts.ts';
import { hostAndPort } from '../../host-and-port.ts';
import type { ServingMetrics } from '../../observe/metrics.ts';
import { clientFaults } from './client-faults.ts';
import { addHealth } from './health.ts';
import { addInference } from './inference.ts';
import { openCredentials } from './tls-credentials.ts';

/** `tls` null: plain text. `port` 0: a free one. */
export type GrpcServerOptions = {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles | null;
  /** Of one message, unpacked. */
  readonly maxMessageBytes: number;
  readonly metrics: ServingMetrics;
  /**
   * How old a connection gets before its client is told to open another. A channel keeps to one process: without an end of age, the clients that
   * came first would stay together for ever. 5 minutes where nothing is said.
   */
  readonly maxConnectionAgeMs?: number;
};

/** A server that listens. */
export type GrpcServer = {
  readonly port: number;
  /**
   * Tells clients to go elsewhere (GOAWAY), answers the calls that are under way and resolves when all connections are closed; those that are
   * still open after `graceMs` are cut.
   */
  drain(graceMs: number): Promise<void>;
};

const defaultConnectionAgeMs = 5 * 60_000;
/** A call on a connection that is too old has this long to end. */
const connectionAgeGraceMs = 30_000;
const streamsPerConnection = 1_000;
const cutWithinMs = 500;

/**
 * Listens for the Open Inference Protocol v2 on gRPC, and for gRPC's health checks.
 *
 * @throws CodedError PORT_IN_USE; CONFIG_INVALID when the address cannot be listened on.
 */
export async function listenGrpc(parts: AnsweringParts, options: GrpcServerOptions): Promise<GrpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': streamsPerConnection,
    'grpc.max_connection_age_ms': options.maxConnectionAgeMs ?? defaultConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': connectionAgeGraceMs,
    interceptors: [clientFaults],
    // Its books of every call cost time, and nobody reads them.
    'grpc.enable_channelz': 0,
  });
  addHealth(server, parts);
  addInference(server, parts, options.metrics);
  const opened = openCredentials(options.tls);
  try {
    const port = await bind(server, options, opened.credentials);
    return {
      port,
      drain: (graceMs) => drain(server, hostAndPort(options.host, port), graceMs).finally(() => opened.close()),
    };
  } catch (error) {
    opened.close();
    throw error;
  }
}

function bind(server: Server, { host, port }: GrpcServerOptions, credentials: ServerCredentials): Promise<number> {
  const address = hostAndPort(host, port);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error === null) return resolve(bound);
      server.forceShutdown();
      const code = error.message.includes('EADDRINUSE') ? 'PORT_IN_USE' : 'CONFIG_INVALID';
      reject(
        new CodedError(code, `gRPC cannot listen on ${address}: ${error.message}. Choose another port or host.`, {
          details: { address },
          cause: error,
        }),
      );
    });
  });
}

/**
 * GOAWAY to all first, and only then the end of listening: `tryShutdown` resolves when the last connection is gone. Its counterpart
 * `forceShutdown` cuts nobody where the books of calls are off, so that it is `drain` that cuts.
 */
function drain(server: Server, address: string, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection that had not yet come to HTTP/2 is nobody's call: it is not waited for.
    const enough = setTimeout(resolve, graceMs + cutWithinMs);
    server.drain(address, graceMs);
    server.tryShutdown(() => {
      clearTimeout(enough);
      resolve();
    });
  });
}
