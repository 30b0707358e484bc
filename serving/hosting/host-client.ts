import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { CodedError } from '../../domain/errors.ts';
import type { EncodedRows } from '../../domain/features.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import type { ModelRun } from '../models/loaded-model.ts';
import { createFrameReader, readReply, type Reply, writeQuestion } from './frames.ts';

/** The way from an answering process to a live package's host. It owns a connection: close it. */
export type HostClient = {
  /**
   * Runs rows there. A run whose host died is sent once more: inference changes nothing.
   *
   * @throws CodedError what the model failed with; OVERLOADED when too many runs are under way; SERVICE_UNAVAILABLE when the host died twice,
   * or does not come back in time.
   */
  run(rows: EncodedRows): Promise<ModelRun>;
  close(): Promise<void>;
};

export type HostClientOptions = {
  /** Runs under way at a time; 1,024 unless given. */
  readonly maxRuns?: number;
  /** How long a run waits for a host that is away; 10 seconds unless given. */
  readonly awayAtMostMs?: number;
};

type Pending = {
  readonly frame: Buffer;
  readonly resolve: (run: ModelRun) => void;
  readonly reject: (error: unknown) => void;
  sent: number;
};

const connectEveryMs = 20;
const maxSends = 2;

/** @throws CodedError SERVICE_UNAVAILABLE when the host does not take the connection in time. */
export async function openHostClient(
  socketPath: string,
  reference: ModelReference,
  options: HostClientOptions = {},
): Promise<HostClient> {
  const { maxRuns = 1_024, awayAtMostMs = 10_000 } = options;
  const pending = new Map<number, Pending>();
  let socket: Socket | null = null;
  let nextRun = 0;
  let closed = false;

  const connected = (opened: Socket): void => {
    socket = opened;
    const read = createFrameReader((frame) => settle(pending, readReply(frame)));
    opened.on('data', (bytes) => {
      try {
        read(bytes);
      } catch (error) {
        // Nothing after a frame that cannot be read can be trusted: the runs are sent again over another connection.
        opened.destroy(error as Error);
      }
    });
    opened.on('error', () => undefined);
    opened.once('close', () => {
      socket = null;
      lost();
    });
    opened.cork();
    for (const run of pending.values()) send(opened, run);
    opened.uncork();
    if (pending.size === 0) opened.unref();
  };
  const send = (opened: Socket, run: Pending): void => {
    run.sent += 1;
    opened.write(run.frame);
  };
  const lost = (): void => {
    for (const [id, run] of pending) {
      if (run.sent < maxSends && !closed) continue;
      pending.delete(id);
      run.reject(unavailable(reference, 'its process ended while it computed'));
    }
    if (!closed) void reconnect();
  };
  /** Never rejects: what cannot be reached is told to those who wait, and the next ones wait anew. */
  const reconnect = async (): Promise<void> => {
    while (!closed) {
      const opened = await connectWithin(socketPath, awayAtMostMs);
      if (opened !== null) return closed ? void opened.destroy() : connected(opened);
      for (const run of pending.values()) run.reject(unavailable(reference, 'its process does not answer'));
      pending.clear();
    }
  };
  const first = await connectWithin(socketPath, awayAtMostMs);
  if (first === null) throw unavailable(reference, 'its process does not answer');
  connected(first);
  return {
    run(rows) {
      if (pending.size >= maxRuns) return Promise.reject(overloaded(reference, maxRuns));
      return new Promise<ModelRun>((resolve, reject) => {
        const id = nextRun;
        nextRun = (nextRun + 1) >>> 0;
        const run = { frame: writeQuestion(id, rows), resolve, reject, sent: 0 };
        if (pending.size === 0) socket?.ref();
        pending.set(id, run);
        if (socket !== null) send(socket, run);
      }).finally(() => {
        if (pending.size === 0) socket?.unref();
      });
    },
    async close() {
      closed = true;
      socket?.destroySoon();
    },
  };
}

function settle(pending: Map<number, Pending>, reply: Reply): void {
  const run = pending.get(reply.run);
  pending.delete(reply.run);
  if (run === undefined) return;
  if ('done' in reply) return run.resolve(reply.done);
  const { code, message, details } = reply.failure;
  run.reject(new CodedError(code, message, { details }));
}

/** A connection, or null when none was taken in time. */
async function connectWithin(path: string, atMostMs: number): Promise<Socket | null> {
  for (const end = performance.now() + atMostMs; ; await wait(connectEveryMs, undefined, { ref: false })) {
    const socket = await connectOnce(path);
    if (socket !== null || performance.now() >= end) return socket;
  }
}

function connectOnce(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const failed = (): void => resolve(null);
    socket.once('error', () => undefined);
    socket.once('close', failed);
    // A process that is being killed still takes connections: only one that greets is alive.
    socket.once('data', () => {
      socket.off('close', failed);
      resolve(socket);
    });
  });
}

function unavailable({ model, modelVersion }: ModelReference, why: string): CodedError {
  return new CodedError(
    'SERVICE_UNAVAILABLE',
    `The host of model ${model} version ${modelVersion} cannot answer: ${why}. It is started again; send the request again.`,
  );
}

function overloaded({ model, modelVersion }: ModelReference, runs: number): CodedError {
  return new CodedError(
    'OVERLOADED',
    `${runs} runs of model ${model} version ${modelVersion} are under way, which is the limit. Send again later.`,
  );
}
