import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Aggregates, PastValues } from '../../domain/aggregate.ts';
import { durationMs } from '../../domain/duration.ts';
import { CodedError, isCoded } from '../../domain/errors.ts';
import { type FeatureModule, type FeatureRow, parseRecord, type RawRecord } from '../../domain/features.ts';
import { asOfJoinSql, pastColumn } from '../features/as-of-join.ts';
import { timeSql } from '../features/event-sql.ts';
import { orDiskFull } from '../local-files.ts';
import { relationSql } from '../slices.ts';
import { identifier, literal, type TableRow, type Tables } from '../tables.ts';
import { createSkewCount, type FeatureSkew } from './skew-count.ts';

/** Whose answers to check: files of the inference log, and the lake's files of events as local Parquet. */
export type FeatureCheckRequest = {
  readonly endpoint: string;
  readonly inferenceFiles: readonly string[];
  readonly eventFiles: readonly string[];
  /** Only answers from this moment on, ISO 8601; null for all of the files. */
  readonly since: string | null;
  /** The feature module that travels in a logged version's package. */
  readonly moduleOf: (model: string, modelVersion: string) => Promise<FeatureModule>;
  /** For one file at a time, removed at the end. */
  readonly scratchFolder: string;
};

/**
 * What serving computed beside what the lake gives. `notCovered` answers were left out: the files do not hold the whole time that their
 * aggregates look at, so nothing can be said of them. `hidden` ones neither: columns of them are redacted or encrypted. Requests that came as
 * tensors have no record to compute from, and are not among them.
 */
export type FeatureCheck = {
  readonly endpoint: string;
  readonly requests: number;
  readonly notCovered: number;
  readonly hidden: number;
  readonly features: readonly FeatureSkew[];
};

type Answered = { readonly requestId: string; readonly record: RawRecord; readonly logged: FeatureRow };
type Version = { readonly model: string; readonly modelVersion: string };
type Span = { readonly oldest: number; readonly newest: number };

/** No column of data is called so. */
const [requestColumn, recordColumn, loggedColumn] = ['request', 'record', 'logged'].map((name) =>
  identifier(`perdura ${name}`),
) as [string, string, string];

/**
 * Computes the features of answered requests again, each by the module of the version that answered it (shadows too), with its aggregates as of the
 * record's time from the lake instead of the online store, and compares. A number is the same within a relative 1e-9.
 *
 * @throws CodedError FEATURES_INVALID when a module fails on a record; as `moduleOf` throws.
 */
export async function checkFeatures(tables: Tables, request: FeatureCheckRequest): Promise<FeatureCheck> {
  const skew = createSkewCount();
  let [requests, notCovered] = [0, 0];
  const left = { hidden: 0 };
  for (const version of await versionsIn(tables, request)) {
    const module = await request.moduleOf(version.model, version.modelVersion);
    for await (const { answered, past } of withPast(tables, request, { version, module, left })) {
      requests += 1;
      if (past === null) notCovered += 1;
      else skew.add(answered.requestId, answered.logged, recompute(module, version, { answered, past }));
    }
  }
  const { hidden } = left;
  return { endpoint: request.endpoint, requests: requests + hidden, notCovered, hidden, features: skew.features() };
}

async function versionsIn(tables: Tables, request: FeatureCheckRequest): Promise<readonly Version[]> {
  if (request.inferenceFiles.length === 0) return [];
  const sql = `SELECT DISTINCT model, modelVersion FROM ${answersSql(request)} ORDER BY ALL`;
  const rows = await tables.all(sql);
  return rows.map((row) => ({ model: String(row['model']), modelVersion: String(row['modelVersion']) }));
}

/** Answered rows, each once: a replica that died may have left some twice. */
function answersSql({ inferenceFiles, since }: FeatureCheckRequest): string {
  const from = since === null ? '' : ` AND CAST("at" AS TIMESTAMPTZ) >= CAST(${literal(since)} AS TIMESTAMPTZ)`;
  return `(SELECT DISTINCT ON (requestId, model, modelVersion, shadow) * FROM ${relationSql(inferenceFiles)} WHERE status = 200 AND record <> 'null'${from})`;
}

/** `left` counts what cannot be checked on the way. */
type Checked = { readonly version: Version; readonly module: FeatureModule; readonly left: { hidden: number } };
type WithPast = { readonly answered: Answered; readonly past: PastValues | null };

async function* withPast(tables: Tables, request: FeatureCheckRequest, checked: Checked): AsyncGenerator<WithPast> {
  const { aggregates } = checked.module;
  const answers = answersOf(tables, request, checked);
  if (aggregates === null) for await (const answered of answers) yield { answered, past: {} };
  else yield* joined(tables, request, { answers, checked, aggregates });
}

async function* answersOf(
  tables: Tables,
  request: FeatureCheckRequest,
  { version, module, left }: Checked,
): AsyncGenerator<Answered> {
  const sql = `SELECT requestId, record, features FROM ${answersSql(request)}
    WHERE model = ${literal(version.model)} AND modelVersion = ${literal(version.modelVersion)}`;
  for await (const rows of tables.chunks(sql)) {
    for (const row of rows) {
      const answered = wholeAnswer(module, row);
      if (answered === null) left.hidden += 1;
      else yield answered;
    }
  }
}

/** Null where columns are hidden: the record was taken when it was answered, so that one which does not hold up any more lacks some. */
function wholeAnswer(module: FeatureModule, row: TableRow): Answered | null {
  const logged = JSON.parse(String(row['features'])) as FeatureRow;
  if (Object.values(logged).some((value) => typeof value === 'object')) return null;
  try {
    const record = parseRecord(module.record, JSON.parse(String(row['record'])));
    return { requestId: String(row['requestId']), record, logged };
  } catch (error) {
    if (isCoded(error, 'INPUT_INVALID')) return null;
    throw error;
  }
}

/** Through a file: the records are read by the server's own code, whose rules for times DuckDB does not have, and then joined by DuckDB. */
async function* joined(
  tables: Tables,
  request: FeatureCheckRequest,
  work: { readonly answers: AsyncIterable<Answered>; readonly checked: Checked; readonly aggregates: Aggregates },
): AsyncGenerator<WithPast> {
  const { aggregates } = work;
  const file = join(request.scratchFolder, `${randomUUID()}.jsonl`);
  try {
    const rows = await writeAnswers(file, work.answers, aggregates);
    if (rows === 0) return;
    const events = relationSql(request.eventFiles);
    const span = await spanOf(tables, aggregates, events);
    const columns = [requestColumn, recordColumn, loggedColumn];
    const past = Object.keys(aggregates.values).map((name) => identifier(pastColumn(name)));
    const sql = asOfJoinSql({ rows: answersRelation(file, aggregates), events, aggregates });
    for await (const chunk of tables.chunks(`SELECT ${[...columns, ...past].join(', ')} FROM (${sql})`)) {
      for (const row of chunk) yield readJoined(row, aggregates, span);
    }
  } finally {
    await rm(file, { force: true });
  }
}

async function writeAnswers(file: string, answers: AsyncIterable<Answered>, aggregates: Aggregates): Promise<number> {
  let rows = 0;
  async function* lines(): AsyncGenerator<string> {
    for await (const answered of answers) {
      rows += 1;
      yield `${JSON.stringify(answerLine(answered, aggregates))}\n`;
    }
  }
  await mkdir(dirname(file), { recursive: true });
  await pipeline(lines, createWriteStream(file)).catch((error: unknown) => {
    throw orDiskFull(error, file);
  });
  return rows;
}

function answerLine({ requestId, record, logged }: Answered, aggregates: Aggregates): object {
  return {
    ...Object.fromEntries(keyFields(aggregates).map((name) => [name, record[name]])),
    [aggregates.time]: new Date(Number(record[aggregates.time])).toISOString(),
    'perdura request': requestId,
    'perdura record': JSON.stringify(record),
    'perdura logged': JSON.stringify(logged),
  };
}

function answersRelation(file: string, aggregates: Aggregates): string {
  const columns = [
    ...keyFields(aggregates).map((name) => `${literal(name)}: 'VARCHAR'`),
    `${literal(aggregates.time)}: 'TIMESTAMP'`,
    ...['request', 'record', 'logged'].map((name) => `${literal(`perdura ${name}`)}: 'VARCHAR'`),
  ];
  return `read_json(${literal(file)}, format = 'newline_delimited', columns = {${columns.join(', ')}})`;
}

function keyFields(aggregates: Aggregates): readonly string[] {
  return [...new Set(Object.values(aggregates.values).flatMap(({ by }) => by))];
}

/** The first and last moment that the lake's files tell of. */
async function spanOf(tables: Tables, aggregates: Aggregates, events: string): Promise<Span> {
  const time = timeSql(aggregates);
  const [row] = await tables.all(`SELECT min(${time}) AS oldest, max(${time}) AS newest FROM ${events}`);
  const [oldest, newest] = [row?.['oldest'] ?? null, row?.['newest'] ?? null];
  if (oldest !== null && newest !== null) return { oldest: Number(oldest), newest: Number(newest) };
  throw new CodedError('INPUT_INVALID', `The snapshot has no row with a time '${aggregates.time}'. Name another.`);
}

function readJoined(row: TableRow, aggregates: Aggregates, span: Span): WithPast {
  const record = JSON.parse(String(row['perdura record'])) as RawRecord;
  const logged = JSON.parse(String(row['perdura logged'])) as FeatureRow;
  const answered = { requestId: String(row['perdura request']), record, logged };
  const entries = Object.keys(aggregates.values).map((name) => {
    const value = row[pastColumn(name)] ?? null;
    return [name, value === null ? null : Number(value)] as const;
  });
  const covered = isCovered(Number(record[aggregates.time]), aggregates, span);
  return { answered, past: covered ? Object.fromEntries(entries) : null };
}

function isCovered(at: number, { gap, values }: Aggregates, span: Span): boolean {
  const before = at - durationMs(gap);
  const longest = Math.max(...Object.values(values).map(({ over }) => durationMs(over)));
  return before - longest >= span.oldest && before <= span.newest + 1;
}

function recompute(
  module: FeatureModule,
  { model, modelVersion }: Version,
  { answered, past }: { readonly answered: Answered; readonly past: PastValues },
): FeatureRow {
  try {
    return module.features(answered.record, past);
  } catch (error) {
    throw new CodedError(
      'FEATURES_INVALID',
      `The feature function of ${model} version ${modelVersion}, which answered request '${answered.requestId}', fails on the lake's past: ${String(error)}. Correct the pipeline's features.ts.`,
      { details: { requestId: answered.requestId }, cause: error },
    );
  }
}
