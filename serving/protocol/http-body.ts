import type { IncomingMessage } from 'node:http';

import { CodedError } from '../../domain/errors.ts';
import { refusedRequest } from './failures.ts';

/**
 * Reads the whole body of a request and calls `done` once with it, or with why there is none. It calls nobody when the client goes away
 * meanwhile: nobody waits for an answer.
 */
export type BodyReader = (request: IncomingMessage, done: (body: Buffer | CodedError) => void) => void;

/** All bodies of a process that are being received, together. */
const underWayLimitBytes = 256 * 1024 * 1024;
const empty = Buffer.alloc(0);

/** A body of more than `limitBytes` is refused with 413; what is left of it is read and thrown away, so that its sender hears the answer. */
export function createBodyReader(limitBytes: number): BodyReader {
  let underWayBytes = 0;
  return (request, done) => {
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
      request.resume();
      return done(tooLarge(limitBytes));
    }
    let chunks: Buffer[] | null = [];
    let size = 0;
    const end = (): void => {
      underWayBytes -= size;
      chunks = null;
    };
    request.on('data', (chunk: Buffer) => {
      if (chunks === null) return;
      size += chunk.length;
      underWayBytes += chunk.length;
      chunks.push(chunk);
      if (size <= limitBytes && underWayBytes <= underWayLimitBytes) return;
      end();
      done(size > limitBytes ? tooLarge(limitBytes) : tooMany());
    });
    request.on('end', () => {
      if (chunks === null) return;
      const body = chunks.length > 1 ? Buffer.concat(chunks, size) : (chunks[0] ?? empty);
      end();
      done(body);
    });
    request.on('error', () => {
      if (chunks !== null) end();
    });
  };
}

function tooLarge(limitBytes: number): CodedError {
  return refusedRequest(413, `A body may have ${limitBytes} bytes, this one has more. Send fewer rows at a time.`);
}

function tooMany(): CodedError {
  return new CodedError(
    'OVERLOADED',
    `Bodies of ${underWayLimitBytes} bytes are being received at a time, which is the limit. Send again later.`,
  );
}
