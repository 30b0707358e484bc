import { CodedError } from '../../domain/errors.ts';
import { hourOf, type LogKind, type OpenSegment, openSegment, type Segment } from './segment.ts';

/** The log that stands before every answer: JSON lines on the local disk. It owns open files: close it. */
export type RowLog = {
  /**
   * Resolves once the row is in the file. All rows of one turn of the event loop and one endpoint share one write (group commit).
   * `at` is when the row came to be, ISO 8601 UTC; it decides the hour that the row is filed under.
   *
   * @throws CodedError DISK_FULL when the row cannot be written; it is then not in the log.
   */
  append(stream: LogStream, at: string, row: object): Promise<void>;
  /** Writes what is pending and closes all segments. */
  close(): void;
};

export type LogStream = { readonly kind: LogKind; readonly endpoint: string };

export type RowLogOptions = {
  readonly folder: string;
  readonly replica: string;
  /** Differs from start to start, also when the clock is set back: sequences are derived from it. */
  readonly startId: string;
  /** A segment is closed this long after its first row, at `maxRows`, or when the hour ends, whichever is first. */
  readonly flushEveryMs: number;
  readonly maxRows: number;
  readonly onClosed: (segment: Segment) => void;
};

type Batch = LogStream & {
  readonly hour: string;
  readonly lines: string[];
  readonly written: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
};
type Writing = { readonly segment: OpenSegment; readonly timer: NodeJS.Timeout };

/** Opens the log; files are made when rows come. */
export function createRowLog(options: RowLogOptions): RowLog {
  const batches = new Map<string, Batch>();
  const writings = new Map<string, Writing>();
  let nextSequence = 0;

  const closeWriting = (name: string): void => {
    const writing = writings.get(name);
    if (writing === undefined) return;
    writings.delete(name);
    clearTimeout(writing.timer);
    options.onClosed(writing.segment.close());
  };
  const writingFor = (name: string, batch: Batch): OpenSegment => {
    const current = writings.get(name);
    if (current !== undefined && current.segment.hour === batch.hour) return current.segment;
    closeWriting(name);
    const sequence = `${options.startId}-${String(nextSequence++)}`;
    const { folder, replica } = options;
    const { kind, endpoint, hour } = batch;
    const segment = openSegment({ folder, kind, endpoint, hour, replica, sequence });
    writings.set(name, { segment, timer: setTimeout(() => closeWriting(name), options.flushEveryMs) });
    return segment;
  };
  const write = (batch: Batch): void => {
    const name = `${batch.kind}/${batch.endpoint}`;
    try {
      const segment = writingFor(name, batch);
      segment.append(batch.lines);
      if (segment.rows() >= options.maxRows) closeWriting(name);
      batch.resolve();
    } catch (error) {
      batch.reject(unwritable(options.folder, error));
      closeWriting(name);
    }
  };
  const writeAll = (): void => {
    const due = [...batches.values()];
    batches.clear();
    for (const batch of due) write(batch);
  };

  return {
    append(stream, at, row) {
      const hour = hourOf(at);
      const name = `${stream.kind}/${stream.endpoint}/${hour}`;
      let batch = batches.get(name);
      if (batch === undefined) {
        if (batches.size === 0) setImmediate(writeAll);
        batch = newBatch(stream, hour);
        batches.set(name, batch);
      }
      batch.lines.push(`${JSON.stringify(row)}\n`);
      return batch.written;
    },
    close() {
      writeAll();
      for (const name of writings.keys()) closeWriting(name);
    },
  };
}

function newBatch(stream: LogStream, hour: string): Batch {
  let resolve = (): void => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const written = new Promise<void>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { kind: stream.kind, endpoint: stream.endpoint, hour, lines: [], written, resolve, reject };
}

function unwritable(folder: string, cause: unknown): CodedError {
  return new CodedError(
    'DISK_FULL',
    `The inference log in ${folder} cannot be written (${(cause as Error).message}), so nothing is answered. Free space there.`,
    { cause },
  );
}
