import { CodedError, isCoded } from '../../domain/errors.ts';
import { hourOf, type LogKind, type OpenSegment, openSegment } from './segment.ts';

/** The log that stands before every answer: JSON lines on the local disk. It owns open files: close it. */
export type RowLog = {
  /**
   * Resolves once the line is in the file. All lines that come in one go of the event loop, as those of a shared run do, share one write an endpoint (group commit) and one
   * promise. `at` is when the row came to be, ISO 8601 UTC; it decides the hour that the line is filed under.
   *
   * @throws CodedError DISK_FULL when the line cannot be written; it is then not in the log.
   */
  append(kind: LogKind, endpoint: string, at: string, line: string): Promise<void>;
  /** Writes what is pending and closes all segments. */
  close(): void;
};

export type RowLogOptions = {
  readonly folder: string;
  /** What the names of its segments begin with; never comes twice. */
  readonly name: string;
  /** A segment is closed this long after its first row, at `maxRows`, or when the hour ends, whichever is first. */
  readonly flushEveryMs: number;
  readonly maxRows: number;
  /** Called before lines are written; when it throws, they are not. */
  readonly beforeWrite: () => void;
};

/** Lines of one endpoint, and the file that they go to. */
type Stream = {
  readonly kind: LogKind;
  readonly endpoint: string;
  pending: Pending | null;
  writing: Writing | null;
};
type Pending = { readonly hour: string; lines: string; rows: number; readonly written: PromiseWithResolvers };
type PromiseWithResolvers = {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};
type Writing = { readonly segment: OpenSegment; readonly timer: NodeJS.Timeout };

/** Opens the log; files are made when rows come. */
export function createRowLog(options: RowLogOptions): RowLog {
  const streams: Readonly<Record<LogKind, Map<string, Stream>>> = { inference: new Map(), labels: new Map() };
  let due: Stream[] = [];
  let nextSequence = 0;

  const closeWriting = (stream: Stream): void => {
    if (stream.writing === null) return;
    const { segment, timer } = stream.writing;
    stream.writing = null;
    clearTimeout(timer);
    segment.close();
  };
  const segmentFor = (stream: Stream, hour: string): OpenSegment => {
    if (stream.writing?.segment.hour === hour) return stream.writing.segment;
    closeWriting(stream);
    const { folder } = options;
    const name = `${options.name}-${String(nextSequence++)}`;
    const segment = openSegment({ folder, kind: stream.kind, endpoint: stream.endpoint, hour, name });
    stream.writing = { segment, timer: setTimeout(() => closeWriting(stream), options.flushEveryMs) };
    return segment;
  };
  const write = (stream: Stream): void => {
    const { pending } = stream;
    if (pending === null) return;
    stream.pending = null;
    try {
      options.beforeWrite();
      const segment = segmentFor(stream, pending.hour);
      segment.append(pending.lines, pending.rows);
      if (segment.rows() >= options.maxRows) closeWriting(stream);
      pending.written.resolve();
    } catch (error) {
      pending.written.reject(unwritable(options.folder, error));
      closeWriting(stream);
    }
  };
  const writeAll = (): void => {
    const all = due;
    due = [];
    for (const stream of all) write(stream);
  };

  return {
    append(kind, endpoint, at, line) {
      const stream = streamOf(streams[kind], kind, endpoint);
      if (stream.pending !== null && !at.startsWith(stream.pending.hour)) write(stream);
      if (stream.pending === null) {
        if (due.length === 0) process.nextTick(writeAll);
        due.push(stream);
        stream.pending = { hour: hourOf(at), lines: '', rows: 0, written: withResolvers() };
      }
      stream.pending.lines += line;
      stream.pending.rows += 1;
      return stream.pending.written.promise;
    },
    close() {
      writeAll();
      for (const stream of [...streams.inference.values(), ...streams.labels.values()]) closeWriting(stream);
    },
  };
}

function streamOf(streams: Map<string, Stream>, kind: LogKind, endpoint: string): Stream {
  const known = streams.get(endpoint);
  if (known !== undefined) return known;
  const stream: Stream = { kind, endpoint, pending: null, writing: null };
  streams.set(endpoint, stream);
  return stream;
}

function withResolvers(): PromiseWithResolvers {
  let resolve = (): void => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { promise, resolve, reject };
}

function unwritable(folder: string, cause: unknown): CodedError {
  if (isCoded(cause, 'DISK_FULL')) return cause;
  return new CodedError(
    'DISK_FULL',
    `The inference log in ${folder} cannot be written (${(cause as Error).message}), so nothing is answered. Free space there.`,
    { cause },
  );
}
