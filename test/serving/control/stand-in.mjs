/**
 * An answering process that speaks the messages and does, in place of loading, what the route's `why` says: a program of its own, since tests of
 * what goes wrong need a process that dies or is silent at a named moment. Both its ports speak
 * HTTP and answer with the epochs in force and its process id.
 */
import { createServer } from 'node:http';

const inForce = new Map();
const prepared = new Map();
const say = (message) => process.send?.(message);
const refusal = { code: 'MODEL_INVALID', message: 'Refused as told.', remedy: '', details: {} };

/** `die-2` holds for the process whose writer is a2 only. */
const told = (endpoint, what) => [what, `${what}-${writer}`].includes(endpoint.route.why);

/** What is under way when it is told to drain is answered. */
const answer = (_, response) => response.end(JSON.stringify({ pid: process.pid, epochs: Object.fromEntries(inForce) }));
const servers = [createServer(answer), createServer(answer)];
const close = () => Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));

let writer = '';
let loads = 0;
let drainMs = 0;

const take = {
  start(message) {
    writer = message.writer;
    for (const endpoint of message.endpoints) inForce.set(endpoint.route.endpoint, endpoint.route.epoch);
    const { httpPort, grpcPort } = message;
    servers[0].listen(grpcPort, '127.0.0.1', () =>
      servers[1].listen(httpPort, '127.0.0.1', () => say({ type: 'ready', httpPort, grpcPort })),
    );
  },
  prepare({ change, endpoint }) {
    loads += 1;
    if (told(endpoint, 'die')) process.exit(7);
    if (told(endpoint, 'refuse')) return say({ type: 'prepared', change, failure: refusal });
    prepared.set(change, endpoint);
    say({ type: 'prepared', change, failure: null });
  },
  apply({ change }) {
    const endpoint = prepared.get(change);
    if (told(endpoint, 'die-applying')) process.exit(7);
    if (told(endpoint, 'drain-slowly')) drainMs = 2_000;
    inForce.set(endpoint.route.endpoint, endpoint.route.epoch);
    say({ type: 'applied', change });
  },
  discard: ({ change }) => prepared.delete(change),
  report({ ask }) {
    say({ type: 'report', ask, counters: {}, metrics: [], loads });
  },
  async drain() {
    await close();
    setTimeout(() => process.exit(0), drainMs);
  },
};

process.on('message', (message) => take[message.type]?.(message));
// What was sent before this would be lost.
say({ type: 'hello' });
