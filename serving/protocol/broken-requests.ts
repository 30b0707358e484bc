import type { Socket } from 'node:net';

import { errorTable } from '../../domain/errors.ts';

type ParserError = Error & { readonly code?: string };

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};
const messages: Readonly<Record<number, string>> = {
  400: 'What came is no HTTP request. Send HTTP/1.1.',
  408: 'The request did not arrive in time. Send it faster.',
  431: 'The headers of the request are larger than 16 KiB. Send shorter ones.',
};

/** Answers what Node's parser does not take as a request, or does not get in time, and ends the connection. */
export function refuseConnection(error: ParserError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const message = messages[status];
  const body = JSON.stringify({
    error: message,
    code: 'INPUT_INVALID',
    message,
    remedy: errorTable.INPUT_INVALID.remedy,
  });
  const head = `HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
}
