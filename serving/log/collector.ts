import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { openTables, type Tables } from '../../stores/tables.ts';
import { type FolderWatch, watchFolder } from './folder-watch.ts';
import { createKeyCourier } from './key-courier.ts';
import { leftBehind } from './left-behind.ts';
import { queueReviews } from './open-reviews.ts';
import { lockReplica, type ReplicaLock } from './replica-lock.ts';
import type { Segment } from './segment.ts';
import { createUploader, type Uploader } from './uploader.ts';

/** What brings the lines of all writers of a replica to the bucket. It owns the locks of folders: close it. */
export type LogCollector = {
  /** Looks at once after what a process left: an answering process or a host that ended. How it ended, its folder tells: `how` need not be right. */
  writerEnded(writer: string, how: 'clean' | 'killed'): void;
  /** Segments that are closed and not in the bucket yet, as far as they were seen. */
  pending(): number;
  /** Uploads what there is for at most so long, and lets go of the folders; the rest stays on the disk for the next start. All writers have ended by then. */
  close(options: { readonly atMostMs: number }): Promise<void>;
};

export type LogCollectorOptions = {
  readonly store: ObjectStore;
  /** Holds the logs of all replicas, one folder each: `<home>/inference`. */
  readonly folder: string;
  readonly replica: string;
  /** How long after a process was killed a client may repeat what it had no answer to. */
  readonly retryWindowMs: number;
  /** Takes one line about what went wrong. */
  readonly report: (line: string) => void;
  /** Told of each segment of this server's own processes that is in the bucket. */
  readonly onUploaded: (segment: Segment, rows: number) => void;
};

type Watched = { readonly watch: FolderWatch; readonly lock: ReplicaLock };

const lookEveryMs = 250;

/**
 * Opens the log of a replica for all its writers, and begins to upload what ended processes left, of this replica or another on the same disk.
 *
 * @throws CodedError CONFLICT when another model server has the same replica's log.
 */
export async function openLogCollector(options: LogCollectorOptions): Promise<LogCollector> {
  const { store, report } = options;
  const folder = join(options.folder, options.replica);
  const lock = await lockReplica(folder);
  const tables = await openTables({ threads: 1, memoryLimit: '256MiB', temporaryFolder: join(folder, 'tmp') });
  const watched: Watched[] = [];
  const uploader = openUploader(options, tables, watched);
  const add = (at: string, held: ReplicaLock): void => {
    const courier = createKeyCourier(store, at);
    const { retryWindowMs } = options;
    watched.push({
      lock: held,
      watch: watchFolder({ folder: at, courier, retryWindowMs, handOn: (segment) => uploader.add(segment) }),
    });
  };
  add(folder, lock);
  for (const left of await leftBehind(options.folder, options.replica)) add(left.folder, left.lock);
  const looking = lookAgainAndAgain(() => lookAtAll(watched, 'any time'), report);
  return {
    writerEnded: () => looking.now(),
    pending: () => watched.reduce((sum, { watch }) => sum + watch.waiting(), uploader.pending()),
    async close({ atMostMs }) {
      const deadline = performance.now() + atMostMs;
      await within(deadline, looking.stop(), report);
      await within(deadline, lookAtAll(watched, 'the end'), report);
      await uploader.drain({ atMostMs: Math.max(0, deadline - performance.now()) });
      await within(deadline + lookEveryMs, lookAtAll(watched, 'the end'), report);
      tables.close();
      for (const one of watched.splice(0)) one.lock.release();
    },
  };
}

function openUploader(options: LogCollectorOptions, tables: Tables, watched: readonly Watched[]): Uploader {
  const { store, report } = options;
  return createUploader({
    store,
    tables,
    report,
    mayGo: (segment) => watched.every(({ watch }) => watch.mayGo(segment)),
    onBrought: (segment, parquetFile) => queueReviews(store, tables, { segment, parquetFile }),
    onDone: (segment, rows) => {
      if (rows > 0 && watched.some(({ watch }) => watch.isOwn(segment))) options.onUploaded(segment, rows);
    },
  });
}

/** A folder of another replica is let go with the last of it: that one may come back at any time, and must not be refused for work that is done. */
async function lookAtAll(watched: Watched[], at: 'any time' | 'the end'): Promise<void> {
  const [own, ...others] = watched;
  for (const one of others) {
    if (!(await one.watch.look(at))) continue;
    watched.splice(watched.indexOf(one), 1);
    one.lock.release();
  }
  await own?.watch.look(at);
}

function lookAgainAndAgain(look: () => Promise<void>, report: (line: string) => void) {
  let stopped = false;
  let soon = new AbortController();
  let said = '';
  const work = async (): Promise<void> => {
    while (!stopped) {
      try {
        await look();
        said = '';
      } catch (error) {
        const { message } = error as Error;
        if (message !== said) report(`The log's folders are looked at again: ${message}`);
        said = message;
      }
      await wait(lookEveryMs, undefined, { signal: soon.signal }).catch(() => undefined);
      soon = new AbortController();
    }
  };
  const working = work();
  return {
    now: () => soon.abort(),
    async stop() {
      stopped = true;
      soon.abort();
      await working;
    },
  };
}

/** What is not done by then goes on by itself; the bucket may be away. */
async function within(deadline: number, work: Promise<void>, report: (line: string) => void): Promise<void> {
  const late = new AbortController();
  const timer = wait(Math.max(0, deadline - performance.now()), undefined, { signal: late.signal });
  const done = work.catch((error: unknown) => report(`The log is left as it is: ${(error as Error).message}`));
  await Promise.race([done, timer.catch(() => undefined)]);
  late.abort();
}
