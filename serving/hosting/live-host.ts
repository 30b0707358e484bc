import type { Socket } from 'node:net';
import { toFailure } from '../../domain/failure.ts';
import type { Batcher } from '../models/batcher.ts';
import { createFrameReader, readQuestion, writeAnswer, writeFailure } from './frames.ts';
import { closeListener, listenOn } from './listener.ts';

/** What a host says first to whoever connects, by which its clients know that it lives. */
const greeting = Uint8Array.of(1);

/** A live package that answers on a socket. */
export type LiveHost = {
  /** Takes no more connections, and waits for those that are open to end, at most so long. */
  close(options: { readonly atMostMs: number }): Promise<void>;
};

/** Answers the runs of all answering processes with one model. @throws the system's error when the socket cannot be made. */
export async function openLiveHost(socketPath: string, batcher: Batcher): Promise<LiveHost> {
  const server = await listenOn(socketPath, (socket) => {
    socket.write(greeting);
    const read = createFrameReader((frame) => answer(socket, batcher, frame));
    socket.on('data', (bytes) => {
      try {
        read(bytes);
      } catch (error) {
        // Nothing after a frame that cannot be read can be trusted: the other side connects anew.
        console.error(error);
        socket.destroy();
      }
    });
  });
  return { close: (options) => closeListener(server, options) };
}

function answer(socket: Socket, batcher: Batcher, frame: Buffer): void {
  const { run, rows } = readQuestion(frame);
  batcher.run(rows).then(
    (done) => socket.write(writeAnswer(run, done)),
    (error: unknown) => socket.write(writeFailure(run, toFailure(error, 'MODEL_INVALID'))),
  );
}
