import { once } from 'node:events';
import { connect } from 'node:net';
import { type BenchRequest, idPlace } from '../requests.ts';
import type { Connection } from './job.ts';

const headEnd = Buffer.from('\r\n\r\n');

/**
 * A keep-alive connection that writes the same bytes again and again, but for the id, and reads of an answer only what it must: on a machine
 * that server and load share, a client that parses takes from what it measures.
 */
export async function httpConnection(
  port: number,
  request: Extract<BenchRequest, { protocol: 'http' }>,
): Promise<Connection> {
  const bytes = requestBytes(port, request);
  const idAt = bytes.length - request.body.length + request.idAt;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  let received: Buffer = Buffer.alloc(0);
  const fail = (why: string): void => {
    waiting?.reject(new Error(why));
    waiting = null;
  };
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const whole = wholeAnswer(received);
    if (whole === null) return;
    const answer = received;
    received = Buffer.alloc(0);
    if (answer.length !== whole.length) return fail(`${answer.length - whole.length} bytes too many in an answer`);
    if (whole.status !== 200) return fail(answer.toString('utf8').slice(0, 400));
    waiting?.resolve();
    waiting = null;
  });
  socket.on('error', (error) => fail(error.message));
  socket.on('close', () => fail('the connection was closed'));
  return {
    send: (id) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        bytes.write(id, idAt, idPlace.length, 'latin1');
        socket.write(bytes);
      }),
    close: () => socket.destroy(),
  };
}

function requestBytes(port: number, { path, headers, body }: Extract<BenchRequest, { protocol: 'http' }>): Buffer {
  const all = { host: `127.0.0.1:${port}`, ...headers, 'content-length': String(body.length) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), body]);
}

/** Status and length of an answer that is there wholly; null while some of it is on the way. */
function wholeAnswer(bytes: Buffer): { readonly status: number; readonly length: number } | null {
  const end = bytes.indexOf(headEnd);
  if (end < 0) return null;
  const head = bytes.toString('latin1', 0, end);
  const found = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (found === null) throw new Error(`An answer without content-length:\n${head}`);
  const length = end + headEnd.length + Number(found[1]);
  return bytes.length < length ? null : { status: Number(head.slice(9, 12)), length };
}
