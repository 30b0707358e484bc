import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { EndpointPolicy } from '../../domain/endpoint-policy.ts';
import { hideColumns } from './hide-columns.ts';
import { inferenceLine, labelLine } from './lines.ts';
import type { LoggedRow, LogWriter } from './log-writer.ts';
import { createRowLog } from './row-log.ts';
import { openSubjectKeys, type SubjectKeys } from './subject-keys.ts';
import { announceProcess } from './writer-process.ts';

export type LogWriterOptions = {
  /** Holds the logs of all replicas, one folder each: `<home>/inference`, as the collector has it. */
  readonly folder: string;
  readonly replica: string;
  /** Names what this process writes: its lines lie in `<folder>/<replica>/<writer>`. */
  readonly writer: string;
  /** A segment is closed this long after its first row, at `maxRows` (50,000 unless given), or when the hour ends, whichever is first. */
  readonly flushEveryMs: number;
  readonly maxRows?: number;
};

const maxSegmentRows = 50_000;
/** Ids that are remembered of a shadow, at least. */
const shadowIds = 8_192;

/**
 * Opens what one process writes of the log. No DuckDB and no bucket here: a collector in another process makes Parquet of it. It says in its folder
 * that it lives, so that the collector leaves its open segments alone, and takes them over when it was killed.
 *
 * @throws the file system's error where the folder cannot be made.
 */
export function openLogWriter(options: LogWriterOptions): LogWriter {
  const { replica, writer, flushEveryMs, maxRows = maxSegmentRows } = options;
  // Differs from start to start, also when the clock is set back: names of segments must never come twice.
  const startId = `${Date.now().toString(36)}${randomBytes(3).toString('hex')}`;
  const folder = join(options.folder, replica, writer);
  const announced = announceProcess(folder, startId);
  const keys = openSubjectKeys({ folder, replicaFolder: join(options.folder, replica), startId });
  const name = `${replica}-${writer}-${startId}`;
  const log = createRowLog({ folder, name, flushEveryMs, maxRows, beforeWrite: () => keys.handOver() });
  const isNew = createSeen();
  const clock = createClock();
  return {
    append(policy, rows) {
      try {
        const at = clock();
        let written = done;
        for (const row of rows) {
          if (policy.log.sample < 1 && !isSampled(policy.log.sample, row.requestId)) continue;
          if (row.shadow && !isNew(`${row.model}\n${row.modelVersion}\n${row.endpoint}\n${row.requestId}`)) continue;
          written = log.append('inference', row.endpoint, at, lineOf(policy, row, { at, keys }));
        }
        return written;
      } catch (error) {
        return Promise.reject(error as Error);
      }
    },
    async appendLabels(endpoint, labels, arrivedAt) {
      await Promise.all(labels.map((label) => log.append('labels', endpoint, arrivedAt, labelLine(label))));
    },
    close() {
      log.close();
      announced.end();
    },
  };
}

const done = Promise.resolve();

function lineOf(
  policy: EndpointPolicy,
  row: LoggedRow,
  { at, keys }: { readonly at: string; readonly keys: SubjectKeys },
): string {
  const { review } = policy;
  const waits =
    review !== null && !row.shadow && row.status === 200 && row.confidence !== null && row.confidence < review.below;
  return inferenceLine(row, hideColumns(policy, row, keys), { at, review: waits });
}

/** By the first four bytes of a hash of the id: a request and its shadows go together. */
function isSampled(share: number, requestId: string): boolean {
  return createHash('sha256').update(requestId).digest().readUInt32BE(0) < share * 2 ** 32;
}

/**
 * Remembers the newest names in two generations. A request that a client sent again after its process was killed comes to the same shadow twice, and is
 * one answer of it.
 */
function createSeen(): (name: string) => boolean {
  let newer = new Set<string>();
  let older = new Set<string>();
  return (name) => {
    if (newer.has(name) || older.has(name)) return false;
    if (newer.size >= shadowIds) [older, newer] = [newer, new Set()];
    newer.add(name);
    return true;
  };
}

/** ISO 8601 of now; written anew once a millisecond. */
function createClock(): () => string {
  let last = -1;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== last) text = new Date(now).toISOString();
    last = now;
    return text;
  };
}
