import { connect, type Socket } from 'node:net';
import type { FeatureRow } from '../../domain/features.ts';

/** A copy of a live request for one shadow: the raw record, or where the request came as tensors its features. */
export type ShadowJob = {
  readonly requestId: string;
  readonly subject: string;
  readonly record: unknown;
  /** Null where `record` holds the request. */
  readonly features: FeatureRow | null;
};

/** The way from an answering process to the host of one shadow. Nothing here waits for the shadow. */
export type ShadowFeed = {
  /** Hands a copy on, or drops it when too much is on the way already. */
  offer(job: ShadowJob): void;
  /** Copies dropped here since it was opened. */
  dropped(): number;
  close(): void;
};

const reconnectEveryMs = 100;

/**
 * Opens the way to a shadow's host. Copies of one turn of the event loop go in one write. More than `capacityBytes` unsent, or a host that is
 * away: copies are dropped and counted, since live traffic is never slowed by what only watches it. Never throws; keeps no process alive.
 */
export function openShadowFeed(socketPath: string, options: { readonly capacityBytes: number }): ShadowFeed {
  let socket: Socket | null = null;
  let retry: NodeJS.Timeout | null = null;
  let turn: ShadowJob[] = [];
  let dropped = 0;
  let closed = false;

  const open = (): void => {
    retry = null;
    const opened = connect(socketPath);
    socket = opened;
    opened.unref();
    // What went wrong is told by `close`; what was not sent, by the callback of its write.
    opened.on('error', () => undefined);
    opened.once('close', () => {
      if (socket === opened) socket = null;
      if (!closed) retry = setTimeout(open, reconnectEveryMs).unref();
    });
  };
  const send = (): void => {
    const jobs = turn;
    turn = [];
    if (socket === null || closed) {
      dropped += jobs.length;
      return;
    }
    socket.write(linesOf(jobs), (error) => {
      if (error) dropped += jobs.length;
    });
  };
  open();
  return {
    offer(job) {
      if (socket === null || closed || socket.writableLength > options.capacityBytes) {
        dropped += 1;
        return;
      }
      if (turn.length === 0) setImmediate(send);
      turn.push(job);
    },
    dropped: () => dropped,
    close() {
      if (retry !== null) clearTimeout(retry);
      if (turn.length > 0) send();
      closed = true;
      socket?.end();
    },
  };
}

function linesOf(jobs: readonly ShadowJob[]): string {
  let text = '';
  for (const job of jobs) text += `${JSON.stringify(job)}\n`;
  return text;
}
