import { hash } from 'node:crypto';
import { type ChainableCommander, Redis } from 'ioredis';
import { CodedError } from '../../domain/errors.ts';
import { durationMs } from '../../domain/duration.ts';
import { checkEvents } from './online-events.ts';
import type { OnlineEvent, OnlineStore } from './online-store.ts';

const prefix = 'perdura:online';
const answerAtMostMs = durationMs('2 seconds');
const reconnectEveryMs = 250;
/** The client keeps its process alive for so long after it was closed. */
const disconnectAtMostMs = 100;
/** One script's run: other clients wait for its end. */
const eventsAScript = 1_000;
/** One round trip. */
const eventsAPipeline = 10_000;
const keysAScan = 1_000;

/**
 * Writes events of one sorted set: the score is the time, a member is `id NUL value`, so that equal times sort by id. An id that stands
 * there with another value is replaced, which ZADD by itself would not do. ARGV: time, id, value, and so on.
 */
const writeScript = `
local seen = {}
for i = 1, #ARGV, 3 do
  local time, id = ARGV[i], ARGV[i + 1]
  local member = id .. '\\0' .. ARGV[i + 2]
  if not seen[time] then
    seen[time] = {}
    for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], time, time)) do
      seen[time][string.sub(other, 1, string.find(other, '%z') - 1)] = other
    end
  end
  local standing = seen[time][id]
  if standing and standing ~= member then redis.call('ZREM', KEYS[1], standing) end
  redis.call('ZADD', KEYS[1], time, member)
  seen[time][id] = member
end`;

/**
 * Opens the online store in Redis or Valkey, `redis://…` or `rediss://…`, for model servers on many machines. One sorted set a view and key.
 * A call fails at once while the server is away and works again when it is back. What `write` returned for is as durable as the server is
 * set up to be: `appendonly yes` with `appendfsync always`, and `maxmemory-policy noeviction`, else windows go silently empty.
 *
 * @throws CodedError SERVICE_UNAVAILABLE when the server does not answer; INPUT_INVALID for another kind of address.
 */
export async function openRedisOnlineStore(url: string): Promise<OnlineStore> {
  const address = addressOf(url);
  const client = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: answerAtMostMs,
    commandTimeout: answerAtMostMs,
    disconnectTimeout: disconnectAtMostMs,
    retryStrategy: () => reconnectEveryMs,
  });
  let lastProblem: unknown = null;
  client.on('error', (error: unknown) => (lastProblem = error));
  client.on('ready', () => (lastProblem = null));
  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      throw redisFailure(address, error, lastProblem);
    }
  };
  await guarded(() => client.connect()).catch((error: unknown) => {
    client.disconnect();
    throw error;
  });
  return {
    async write(events) {
      checkEvents(events);
      for (let from = 0; from < events.length; from += eventsAPipeline) {
        const calls = scripts(events.slice(from, from + eventsAPipeline));
        await guarded(() =>
          results(calls.reduce((pipeline, call) => pipeline.eval(writeScript, 1, ...call), client.pipeline())),
        );
      }
    },
    async read(windows) {
      const pipeline = windows.reduce(
        (calls, { view, key, from, before }) => calls.zrangebyscore(setOf(view, key), from, `(${before}`),
        client.pipeline(),
      );
      const found = await guarded(() => results(pipeline));
      return found.map((members) => (members as readonly string[]).map(valueOf));
    },
    forget: (view, { before }) => guarded(() => forget(client, view, before)),
    close() {
      client.disconnect();
      return Promise.resolve();
    },
  };
}

/** The calls of the script that write these events: set, then its arguments. */
function scripts(events: readonly OnlineEvent[]): readonly [string, ...string[]][] {
  const sets = new Map<string, OnlineEvent[]>();
  for (const event of events) {
    const set = setOf(event.view, event.key);
    const own = sets.get(set) ?? [];
    own.push(event);
    sets.set(set, own);
  }
  return [...sets].flatMap(([set, own]) => {
    const lots = Array.from({ length: Math.ceil(own.length / eventsAScript) }, (_, lot) =>
      own.slice(lot * eventsAScript, (lot + 1) * eventsAScript),
    );
    return lots.map((lot): [string, ...string[]] => [
      set,
      ...lot.flatMap(({ time, id, value }) => [String(time), id, numberText(value)]),
    ]);
  });
}

async function forget(client: Redis, view: string, before: number): Promise<number> {
  let forgotten = 0;
  for await (const sets of client.scanStream({ match: `${prefix}:${digestOf(view)}:*`, count: keysAScan })) {
    const pipeline = (sets as readonly string[]).reduce(
      (calls, set) => calls.zremrangebyscore(set, '-inf', `(${before}`),
      client.pipeline(),
    );
    for (const count of await results(pipeline)) forgotten += Number(count);
  }
  return forgotten;
}

/** The answers of a pipeline, or the first error among them. */
async function results(pipeline: ChainableCommander): Promise<readonly unknown[]> {
  const answers = (await pipeline.exec()) ?? [];
  for (const [error] of answers) if (error !== null) throw error;
  return answers.map(([, answer]) => answer);
}

function setOf(view: string, key: string): string {
  return `${prefix}:${digestOf(view)}:${digestOf(key)}`;
}

function digestOf(text: string): string {
  return hash('sha256', text).slice(0, 32);
}

/** The shortest text that is read back as the same number; `String` makes 0 of -0. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function valueOf(member: string): number {
  return Number(member.slice(member.lastIndexOf('\0') + 1));
}

/** Where the server is, without its password. */
function addressOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^rediss?:$/.test(parsed.protocol)) {
    throw new CodedError(
      'INPUT_INVALID',
      "The online store's address must be redis://… or rediss://…. Correct PERDURA_ONLINE_STORE.",
    );
  }
  return `${parsed.protocol}//${parsed.host}`;
}

/** A command's own error says only that the connection is closed; the connection's says why. */
function redisFailure(address: string, error: unknown, lastProblem: unknown): Error {
  if (error instanceof CodedError) return error;
  const answered = error instanceof Error && error.name === 'ReplyError';
  const cause = answered ? error : (lastProblem ?? error);
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (/^(?:OOM|MISCONF)\b/.test(reason)) {
    return new CodedError('DISK_FULL', `The online store at ${address} cannot grow: ${reason} Give it more room.`, {
      details: { address },
      cause: error,
    });
  }
  return new CodedError(
    'SERVICE_UNAVAILABLE',
    `The online store at ${address} does not answer: ${reason}. Start it, or correct PERDURA_ONLINE_STORE.`,
    { details: { address }, cause: error },
  );
}
