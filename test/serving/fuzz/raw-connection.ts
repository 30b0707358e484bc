import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What came back over a connection whose bytes the test chose, until the server closed it or the time was over. */
export type RawAnswer = {
  /** Of the first answer; null: none came. */
  readonly status: number | null;
  readonly text: string;
  /** Whether the server ended the connection. */
  readonly closed: boolean;
  readonly seconds: number;
};

export type RawOptions = {
  /** Stops looking after so long. */
  readonly atMostMs: number;
  /** `answer`: returns when the head of an answer is there and all is said, rather than with the end of the connection. */
  readonly until: 'answer' | 'closed';
};

/** Opens a connection, lets `talk` write to it, and says what the server did. */
export async function rawConnection(
  url: string,
  talk: (socket: Socket) => Promise<void> | void,
  { atMostMs, until }: RawOptions,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const began = performance.now();
  let text = '';
  let closed = false;
  let said = false;
  let look = (): void => undefined;
  const over = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, atMostMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    look = () => (until === 'answer' && said && text.includes('\r\n\r\n') ? done() : undefined);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      look();
    });
    // A server that refuses may reset the connection while bytes are still on the way to it.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed = true;
      done();
    });
  });
  await Promise.race([once(socket, 'connect'), over]);
  void Promise.resolve(talk(socket)).then(() => {
    said = true;
    look();
  });
  await over;
  socket.destroy();
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
  return {
    status: status === undefined ? null : Number(status),
    text,
    closed,
    seconds: (performance.now() - began) / 1_000,
  };
}

/** Writes a text. */
export function saying(text: string): (socket: Socket) => void {
  return (socket) => void socket.write(text, 'latin1');
}

/** Writes bytes a few at a time, until the connection ends. */
export function trickling(parts: Iterable<string>, everyMs: number): (socket: Socket) => Promise<void> {
  return async (socket) => {
    for (const part of parts) {
      if (socket.destroyed) return;
      socket.write(part, 'latin1');
      await new Promise((done) => setTimeout(done, everyMs));
    }
  };
}
