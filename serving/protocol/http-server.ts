import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { Server as NetServer } from 'node:net';

import fastify, { type FastifyInstance } from 'fastify';

import { CodedError } from '../../domain/errors.ts';
import { readTls, type TlsFiles, type TlsPair, watchTls } from '../access/tls.ts';
import type { AnsweringParts } from '../answering/parts.ts';
import { refuseConnection } from './broken-requests.ts';
import { failureAnswer } from './http-answer.ts';
import { createPostHandler, type PostOptions } from './http-posts.ts';
import { httpTarget } from './http-target.ts';
import { shown } from './refused-input.ts';
import { addV2Routes } from './rest/v2-routes.ts';
import { addRowRoutes } from './rows/row-routes.ts';

/** The HTTP server of one process. */
export type HttpServer = {
  /** All routes; it does not listen yet. */
  readonly app: FastifyInstance;
  /**
   * Takes no more connections and answers what comes on open ones, each told that its connection ends; those that stay idle are closed after a
   * grace. Resolves when none is left.
   */
  drain(options?: { readonly idleGraceMs: number }): Promise<void>;
};

export type HttpServerOptions = PostOptions & {
  /** PEM files, looked at again when they are renewed; null: without TLS. */
  readonly tls: TlsFiles | null;
};

/** A client that trickles is cut off, with 408, within a second of these. */
const limits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 1_000,
} as const;
/** A connection on which nothing moves, be it that its client does not read its answer. */
const stuckMs = 120_000;
const idleSweepMs = 200;

/**
 * Makes the server: posts are answered by Node's own request and response, all else by Fastify.
 *
 * @throws CodedError CONFIG_INVALID for a certificate or key that does not hold up.
 */
export function createHttpServer(parts: AnsweringParts, options: HttpServerOptions): HttpServer {
  const post = createPostHandler(parts, options);
  const app = fastify({
    logger: false,
    // While it drains, requests on open connections are still answered.
    return503OnClosing: false,
    // Longer names than any endpoint has are not found, as other wrong ones are.
    routerOptions: { maxParamLength: limits.maxHeaderSize },
    clientErrorHandler: refuseConnection,
    serverFactory: (handler: RequestListener) =>
      openServer(options.tls, (request, response) => {
        const target = request.method === 'POST' ? httpTarget(request.url ?? '') : null;
        if (target === null) handler(request, response);
        else post(request, response, target);
      }),
  });
  app.removeAllContentTypeParsers();
  app.setErrorHandler((error, request, reply) => {
    const { status, headers, body } = failureAnswer(error, protocolOf(request.raw));
    return reply.code(status).headers(headers).send(body);
  });
  app.setNotFoundHandler(({ method, url }) => {
    throw new CodedError('NOT_FOUND', `No route ${method} ${shown(url)}. See GET /v2.`);
  });
  addV2Routes(app, parts);
  addRowRoutes(app, parts);
  return { app, drain: ({ idleGraceMs } = { idleGraceMs: 2_000 }) => drain(app, idleGraceMs) };
}

function openServer(files: TlsFiles | null, listener: RequestListener): Server {
  const server = files === null ? createServer(limits, listener) : openSecureServer(files, listener);
  server.setTimeout(stuckMs);
  return server;
}

function openSecureServer(files: TlsFiles, listener: RequestListener): Server {
  const server = createSecureServer({ ...limits, ...readTls(files) }, listener);
  const onRenewed = (pair: TlsPair): void => server.setSecureContext(pair);
  const unwatch = watchTls(files, { onRenewed, report: (line) => console.error(line) });
  server.once('close', unwatch);
  return server;
}

async function drain(app: FastifyInstance, idleGraceMs: number): Promise<void> {
  const { server } = app;
  const closed = once(server, 'close');
  server.prependListener('request', (_: IncomingMessage, response) => {
    response.shouldKeepAlive = false;
  });
  // An HTTP server's own close would cut connections on which a client may just be sending.
  NetServer.prototype.close.call(server);
  const graceEnds = performance.now() + idleGraceMs;
  const sweep = setInterval(() => {
    if (performance.now() >= graceEnds) server.closeIdleConnections();
  }, idleSweepMs);
  await closed;
  clearInterval(sweep);
  await app.close();
}

const protocolOf = ({ url = '' }: IncomingMessage): 'rest' | 'rows' => (url.startsWith('/v2') ? 'rest' : 'rows');
