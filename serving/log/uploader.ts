import { access, rename, rm } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { isCoded } from '../../domain/errors.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { Tables } from '../../stores/tables.ts';
import { compactSegment } from './compact.ts';
import { broughtEnding, type Segment } from './segment.ts';

/**
 * Brings closed segments into the bucket, one after the other, and tries again for as long as it lives. One that fails goes to the end of
 * the queue, so that it holds up no other.
 */
export type Uploader = {
  add(segment: Segment): void;
  /** Segments that are not in the bucket yet. */
  pending(): number;
  /** Tries what is pending at once, for at most so long, then stops for good. What remains is left on the disk for the next start. */
  drain(options: { readonly atMostMs: number }): Promise<void>;
};

export type UploaderOptions = {
  readonly store: ObjectStore;
  readonly tables: Tables;
  /** Asked right before each attempt; a segment that may not go now leaves the queue. */
  readonly mayGo: (segment: Segment) => boolean;
  /** Called when its rows are in the bucket, with the Parquet file that they went as. */
  readonly onBrought: (segment: Segment, parquetFile: string) => Promise<void>;
  /** Told of each segment that leaves the queue for good, with its rows that are in the bucket: 0 for one that was empty, set aside or gone. */
  readonly onDone: (segment: Segment, rows: number) => void;
  /** Takes one line about a failed attempt, or a segment that was given up. */
  readonly report: (line: string) => void;
};

const firstPauseMs = 250;
const longestPauseMs = 10_000;

/** Makes an uploader; it works whenever it has segments. */
export function createUploader(options: UploaderOptions): Uploader {
  const queue: Segment[] = [];
  let pauseMs = firstPauseMs;
  let pause = new AbortController();
  let stopped = false;
  let working: Promise<void> | null = null;

  const work = async (): Promise<void> => {
    // Without it a queue that is done at once would end this before `working` is set, and nothing would begin it again.
    await Promise.resolve();
    for (let segment = queue[0]; segment !== undefined && !stopped; segment = queue[0]) {
      if (!options.mayGo(segment)) {
        queue.shift();
        continue;
      }
      try {
        const rows = await uploadUnlessGone(options, segment);
        queue.shift();
        pauseMs = firstPauseMs;
        options.onDone(segment, rows);
      } catch (error) {
        options.report(`Log segment ${segment.key} is not in the bucket yet: ${(error as Error).message}`);
        queue.push(...queue.splice(0, 1));
        await wait(pauseMs, undefined, { signal: pause.signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    }
    working = null;
  };
  const start = (): Promise<void> => {
    if (queue.length === 0) return Promise.resolve();
    working ??= work();
    return working;
  };

  return {
    add(segment) {
      queue.push(segment);
      void start();
    },
    pending: () => queue.length,
    async drain({ atMostMs }) {
      pauseMs = firstPauseMs;
      pause.abort();
      pause = new AbortController();
      const late = new AbortController();
      const deadline = wait(atMostMs, undefined, { signal: late.signal }).catch(() => undefined);
      await Promise.race([start(), deadline]);
      late.abort();
      stopped = true;
      pause.abort();
    },
  };
}

/** A file that is gone does not come back: to try again would be for ever. */
async function uploadUnlessGone(options: UploaderOptions, segment: Segment): Promise<number> {
  try {
    return await uploadSegment(options, segment);
  } catch (error) {
    if (!(await isGone(segment.file))) throw error;
    options.report(
      `Log segment ${segment.file} was removed before this server brought it to the bucket. Its rows are lost unless ${segment.key} is there.`,
    );
    return 0;
  }
}

async function isGone(file: string): Promise<boolean> {
  return access(file).then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT',
  );
}

/**
 * Idempotent: an object that is already there is this segment's own, from an attempt whose answer got lost or a process that was killed
 * before it could put the file away. Lines of answers stay on the disk under another name for a while: rows of a process that is killed now are held
 * against them.
 */
async function uploadSegment(options: UploaderOptions, segment: Segment): Promise<number> {
  const parquetFile = `${segment.file}.tmp`;
  const rows = await compactSegment(options.tables, segment, parquetFile).catch(async (error: unknown) => {
    if (!isCoded(error, 'DATA_UNREADABLE')) throw error;
    options.report(error.message);
    await rename(segment.file, `${segment.file}.damaged`);
    return 0;
  });
  if (rows > 0) {
    try {
      await options.store.write(segment.key, { file: parquetFile }, { ifAbsent: true });
    } catch (error) {
      if (!isCoded(error, 'CONFLICT')) throw error;
      // Some stores also say so of an attempt that is still under way: only what stands there may be taken for written.
      await options.store.head(segment.key);
    }
  }
  if (rows > 0) await options.onBrought(segment, parquetFile);
  // The segment itself goes last: while it stands, whatever fails before is done again.
  await rm(parquetFile, { force: true });
  if (rows > 0 && segment.kind === 'inference') await rename(segment.file, `${segment.file}${broughtEnding}`);
  else await rm(segment.file, { force: true });
  return rows;
}
