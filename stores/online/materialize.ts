import { type Aggregates, viewOf } from '../../domain/aggregate.ts';
import { durationMs } from '../../domain/duration.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';
import { parseRecord } from '../../domain/features.ts';
import { timeSql } from '../features/event-sql.ts';
import { eventsSql } from '../features/events.ts';
import { relationSql } from '../slices.ts';
import type { Tables } from '../tables.ts';
import type { OnlineEvent, OnlineStore } from './online-store.ts';

/** Which events to write: rows of the files with `since <= time < until`, ISO 8601, null for no bound. */
export type Materialization = {
  readonly aggregates: Aggregates;
  readonly parquetFiles: readonly string[];
  readonly since: string | null;
  readonly until: string | null;
  /** The earliest moment that will still be asked about: events that no window as of then or later reaches are forgotten. Null keeps all. */
  readonly forgetBefore?: string | null;
  /** Hears the number of events written so far. */
  readonly onEvents?: (events: number) => void;
};

/** `newest`: the time of the newest event written, ISO 8601; null when there was none. */
export type Materialized = { readonly events: number; readonly newest: string | null; readonly forgotten: number };

/** One commit of the online store. */
const batch = 20_000;

/**
 * Writes the events that aggregates are made of to the online store, streaming. Idempotent: the same row of another file, or of a second
 * call, is the same event. Events come in order of their keys, so that a commit touches few pages of the store; the sort that this takes is
 * DuckDB's, which spills to its temporary folder.
 *
 * @throws CodedError FEATURES_INVALID when the data lacks a column or an expression does not hold up; INPUT_INVALID for a bound that is no
 * time; SERVICE_UNAVAILABLE or DISK_FULL of the store.
 */
export async function materialize(
  tables: Tables,
  online: OnlineStore,
  request: Materialization,
): Promise<Materialized> {
  const { aggregates } = request;
  const relation = eventRelation(request);
  const views = new Map(Object.keys(aggregates.values).map((name) => [viewOf(aggregates, name), name]));
  let events = 0;
  let newest: number | null = null;
  for (const [view, name] of views) {
    for await (const written of writeView(tables, online, { view, sql: eventsSql(aggregates, name, relation) })) {
      events += written.events;
      newest = Math.max(newest ?? written.newest, written.newest);
      request.onEvents?.(events);
    }
  }
  return {
    events,
    newest: newest === null ? null : new Date(newest).toISOString(),
    forgotten: await forgetOld(online, request),
  };
}

type Written = { readonly events: number; readonly newest: number };

async function* writeView(
  tables: Tables,
  online: OnlineStore,
  source: { readonly view: string; readonly sql: string },
): AsyncGenerator<Written> {
  let lot: OnlineEvent[] = [];
  for await (const event of readEvents(tables, source)) {
    lot.push(event);
    if (lot.length < batch) continue;
    yield await writeLot(online, lot);
    lot = [];
  }
  if (lot.length > 0) yield writeLot(online, lot);
}

async function writeLot(online: OnlineStore, lot: readonly OnlineEvent[]): Promise<Written> {
  await online.write(lot);
  return { events: lot.length, newest: lot.reduce((newest, { time }) => Math.max(newest, time), -Infinity) };
}

async function* readEvents(
  tables: Tables,
  source: { readonly view: string; readonly sql: string },
): AsyncGenerator<OnlineEvent> {
  const sql = `SELECT key, time, id, value FROM (${source.sql}) ORDER BY key, time`;
  try {
    for await (const [keys = [], times = [], ids = [], values = []] of tables.columnChunks(sql)) {
      for (const [row, key] of keys.entries()) {
        yield {
          view: source.view,
          key: String(key),
          time: Number(times[row]),
          id: String(ids[row]),
          value: Number(values[row]),
        };
      }
    }
  } catch (error) {
    throw eventsFailure(error);
  }
}

function eventRelation({ aggregates, parquetFiles, since, until }: Materialization): string {
  const time = timeSql(aggregates);
  const bounds = [
    ...(since === null ? [] : [`${time} >= ${momentOf('since', since)}`]),
    ...(until === null ? [] : [`${time} < ${momentOf('until', until)}`]),
  ];
  const where = bounds.length === 0 ? '' : ` WHERE ${bounds.join(' AND ')}`;
  return `(SELECT * FROM ${relationSql(parquetFiles)}${where})`;
}

async function forgetOld(online: OnlineStore, { aggregates, forgetBefore }: Materialization): Promise<number> {
  if (forgetBefore === undefined || forgetBefore === null) return 0;
  const moment = momentOf('forgetBefore', forgetBefore);
  const reach = new Map<string, number>();
  for (const [name, { over }] of Object.entries(aggregates.values)) {
    const view = viewOf(aggregates, name);
    reach.set(view, Math.max(reach.get(view) ?? 0, durationMs(aggregates.gap) + durationMs(over)));
  }
  let forgotten = 0;
  for (const [view, reachMs] of reach) forgotten += await online.forget(view, { before: moment - reachMs });
  return forgotten;
}

/** Epoch milliseconds, by the rules of a record's timestamps. */
function momentOf(name: string, text: string): number {
  return Number(parseRecord({ [name]: 'timestamp' }, { [name]: text })[name]);
}

/** DuckDB's words for a column that is not there or an expression that does not hold up; what is coded stays itself. */
function eventsFailure(error: unknown): unknown {
  const text = (error instanceof Error ? error.message : String(error)).replace(/^Failed to \w+ statements?: /, '');
  if (isCoded(error) || !/^(?:Binder|Parser|Catalog|Conversion) Error/.test(text)) return error;
  return new CodedError(
    'FEATURES_INVALID',
    `The events of the aggregates cannot be read from the data: ${text.split('\n')[0] ?? text}. Correct 'aggregates' in the pipeline's features.ts.`,
    { cause: error },
  );
}
