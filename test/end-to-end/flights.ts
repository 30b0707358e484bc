import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { addArrival } from '../../stores/datasets.ts';
import { literal, openTables } from '../../stores/tables.ts';
import type { Stage } from './harness.ts';

const source = fileURLToPath(new URL('../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url));

/** Cuts rows of a month of 2001 into a Parquet file, in order of time; the same rows each time. */
export async function cutFlights(folder: string, month: number, rows: number): Promise<string> {
  const file = join(folder, `flights-2001-0${month}.parquet`);
  const tables = await openTables();
  try {
    const chosen = `SELECT * FROM read_parquet(${literal(source)}) WHERE month(date) = ${month}
      ORDER BY md5(concat_ws(',', date, origin, destination, delay, distance)) LIMIT ${rows}`;
    await tables.all(`COPY (FROM (${chosen}) ORDER BY ALL) TO ${literal(file)} (FORMAT parquet)`);
    return file;
  } finally {
    tables.close();
  }
}

/** Puts a file into the bucket as `perdura data add` does, and gives its key. */
export async function addFlights(stage: Stage, file: string): Promise<string> {
  const name = file.slice(file.lastIndexOf('/') + 1);
  return (await addArrival(stage.store, 'flights', { path: file, name, addedAt: new Date().toISOString() })).key;
}

/** Requests that go on until they are stopped. */
export type Traffic = {
  /** What was answered otherwise than 200, and errors of the connection; empty is what it should be. */
  readonly failures: readonly string[];
  readonly answered: () => number;
  stop(): Promise<void>;
};

const tickMs = 50;

/** Sends flights of a file round and round to the model server, and the outcome of each at once. */
export async function startTraffic(stage: Stage, file: string, requestsPerSecond = 100): Promise<Traffic> {
  const flights = await readFlights(file);
  const failures: string[] = [];
  const prefix = `traffic-${Date.now().toString(36)}`;
  let [sent, answered, stopped] = [0, 0, false];
  const url = `${stage.server.url}/endpoints/flights`;
  const sendOne = async (): Promise<{ requestId: string; label: number } | null> => {
    const number = (sent += 1);
    const { delay, ...record } = flights[number % flights.length] ?? {};
    const requestId = `${prefix}-${number}`;
    const failure = await post(`${url}/predict`, { requestId, record }, 200);
    if (failure !== null) failures.push(failure);
    else answered += 1;
    return failure === null ? { requestId, label: Number(delay) > 15 ? 1 : 0 } : null;
  };
  const loop = async () => {
    while (!stopped) {
      const began = Date.now();
      const count = Math.ceil((requestsPerSecond * tickMs) / 1_000);
      const labels = (await Promise.all(Array.from({ length: count }, sendOne))).filter((label) => label !== null);
      const failure = labels.length === 0 ? null : await post(`${url}/labels`, { labels }, 202);
      if (failure !== null) failures.push(failure);
      await pause(Math.max(0, tickMs - (Date.now() - began)));
    }
  };
  const done = loop();
  const stop = async () => {
    stopped = true;
    await done;
  };
  return { failures, answered: () => answered, stop };
}

async function readFlights(file: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const tables = await openTables();
  try {
    return await tables.all(`SELECT strftime(date, '%Y-%m-%dT%H:%M:%SZ') AS date, distance::DOUBLE AS distance, origin, destination,
      delay::DOUBLE AS delay FROM read_parquet(${literal(file)}) LIMIT 5000`);
  } finally {
    tables.close();
  }
}

/** Null when it was answered as it should be, else what came instead. */
async function post(url: string, body: unknown, wanted: number): Promise<string | null> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    return answer.status === wanted ? null : `${answer.status} ${text}`;
  } catch (error) {
    return String(error);
  }
}
