import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { EndpointStatus } from '../endpoint-status.ts';
import { metricsContentType } from '../observe/aggregate.ts';
import { portInUse } from './claim-port.ts';

/** What the admin port shows and does. */
export type AdminParts = {
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** What keeps the server from being ready; nothing when it is. */
  unready(): readonly string[];
  endpoints(): Promise<readonly EndpointStatus[]>;
  /** Looks at the bucket now. */
  hint(): Promise<void>;
};

/** The admin port. It says 503 until it has something to show. */
export type AdminServer = { readonly url: string; serve(parts: AdminParts): void; close(): Promise<void> };

const host = '127.0.0.1';
const hintEveryMs = 100;

/**
 * Opens the admin port, apart from inference and on loopback only: `GET /metrics`, `/ready`, `/live`, `/endpoints` and `POST /hint`.
 *
 * @throws CodedError PORT_IN_USE.
 */
export function openAdmin(port: number | null): Promise<AdminServer> {
  let parts: AdminParts | null = null;
  const hint = coalesce(() => parts?.hint() ?? Promise.resolve());
  const server = createServer((request, response) => {
    answer(parts, { hint, request, response }).catch((error: unknown) => {
      console.error(error);
      if (!response.headersSent) sendJson(response, 500, { error: 'The model server failed; its log says how.' });
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? portInUse({ port, setting: 'PERDURA_SERVING_ADMIN_PORT' }) : error);
    });
    server.listen({ host, port: port ?? 0 }, () => {
      resolve({
        url: `http://${host}:${(server.address() as AddressInfo).port}`,
        serve: (given) => void (parts = given),
        close() {
          server.closeAllConnections();
          return new Promise((closed) => server.close(() => closed()));
        },
      });
    });
  });
}

/** Runs `work` at once, and once more afterwards when it was asked for meanwhile; never more often than every `hintEveryMs`. */
function coalesce(work: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    again = true;
    if (running) return;
    running = true;
    for (; again; await wait(hintEveryMs, undefined, { ref: false })) {
      again = false;
      await work();
    }
    running = false;
  };
  return () => void run();
}

type Exchange = { readonly hint: () => void; readonly request: IncomingMessage; readonly response: ServerResponse };

async function answer(parts: AdminParts | null, { hint, request, response }: Exchange): Promise<void> {
  // A body is nobody's business here; unread, it would keep the connection.
  request.resume();
  if (!isLocal(request.headers.host)) {
    return sendJson(response, 403, {
      error: 'The admin port answers by its own address only: 127.0.0.1 or localhost.',
    });
  }
  if (parts === null) return sendJson(response, 503, { ready: false, problems: ['It starts.'] });
  switch (`${request.method ?? ''} ${request.url ?? ''}`) {
    case 'GET /live':
      return sendJson(response, 200, { live: true });
    case 'GET /ready': {
      const problems = parts.unready();
      return sendJson(response, problems.length === 0 ? 200 : 503, { ready: problems.length === 0, problems });
    }
    case 'GET /endpoints':
      return sendJson(response, 200, { endpoints: await parts.endpoints() });
    case 'GET /metrics':
      response.writeHead(200, { 'content-type': metricsContentType });
      return void response.end(await parts.metrics());
    case 'POST /hint':
      hint();
      return sendJson(response, 202, { accepted: true });
    default:
      return sendJson(response, 404, {
        error: 'Not found. There are GET /metrics, /ready, /live, /endpoints and POST /hint.',
      });
  }
}

/** A web page may have its own name lead to this machine, and would then read what it is told by that name. */
function isLocal(given: string | undefined): boolean {
  return given === undefined || /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/i.test(given);
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
