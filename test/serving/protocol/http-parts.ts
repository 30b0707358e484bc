import { Agent, request } from 'node:http';
import { connect } from 'node:net';

import type { Credential } from '../../../serving/answering/call.ts';
import type { ActiveEndpoint, GivenLabel } from '../../../serving/answering/parts.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../../serving/protocol/http-server.ts';
import { type GrpcParts, grpcParts } from '../grpc/grpc-parts.ts';

/** A REST server over real packages (endpoint `flights`, champion 1 and challenger 2) and the real way of a request. */
export type HttpParts = Omit<GrpcParts, 'close'> &
  HttpServer & {
    readonly port: number;
    readonly labels: GivenLabel[];
    /** The credentials of requests, as they came. */
    readonly credentials: Credential[];
    /** The endpoint in force from now on. */
    serve(change: Partial<ActiveEndpoint>): void;
    close(): Promise<void>;
  };

export async function httpParts(options: Partial<HttpServerOptions> = {}): Promise<HttpParts> {
  const own = await grpcParts();
  const labels: GivenLabel[] = [];
  const credentials: Credential[] = [];
  let change: Partial<ActiveEndpoint> = {};
  const parts: GrpcParts['parts'] = {
    ...own.parts,
    answer(call) {
      credentials.push(call.credential);
      return own.parts.answer(call);
    },
    describe: async (endpoint, credential) => ({ ...(await own.parts.describe(endpoint, credential)), ...change }),
    async recordLabels(endpoint, credential, given) {
      await own.parts.describe(endpoint, credential);
      labels.push(...given);
    },
  };
  const server = createHttpServer(parts, { tls: null, bodyLimitBytes: 1_000_000, metrics: own.metrics, ...options });
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  const address = server.app.server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The server does not listen.');
  return {
    ...own,
    ...server,
    port: address.port,
    labels,
    credentials,
    serve: (next) => void (change = next),
    async close() {
      server.app.server.closeAllConnections();
      await server.app.close();
      await own.close();
    },
  };
}

export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly bytes: Buffer;
  readonly body: Readonly<Record<string, unknown>>;
};

/** Asks as a client does; `body` goes out as JSON unless it is text or bytes. */
export function ask(
  port: number,
  path: string,
  options: {
    readonly method?: string;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
    readonly agent?: Agent;
  } = {},
): Promise<Reply> {
  const { body, headers = {}, agent } = options;
  const payload = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  const method = options.method ?? (body === undefined ? 'GET' : 'POST');
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path, method, agent, headers: { 'content-type': 'application/json', ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const json = response.headers['content-type']?.startsWith('application/json') === true;
          const parsed = json ? (JSON.parse(bytes.toString()) as Reply['body']) : {};
          resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, body: parsed });
        });
      },
    );
    sent.on('error', reject);
    sent.end(payload);
  });
}

/** Sends bytes as they are, `more` every 50 ms after them, and resolves to all that came back once the server ends the connection. */
export function raw(port: number, bytes: string, more = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.write(bytes, 'latin1');
    const trickle = setInterval(() => void (more !== '' && socket.writable && socket.write(more)), 50);
    socket.on('data', (chunk) => void (received += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => {
      clearInterval(trickle);
      resolve(received);
    });
  });
}
