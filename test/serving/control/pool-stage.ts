import { get as httpGet } from 'node:http';
import { fileURLToPath } from 'node:url';

import { createAnsweringPool } from '../../../serving/control/answering-pool.ts';
import { type AnsweringProcess, forkAnswering } from '../../../serving/control/answering-process.ts';
import { claimPorts } from '../../../serving/control/claim-port.ts';
import { switchEndpoint } from '../../../serving/control/switch-endpoint.ts';
import type { PreparedEndpoint } from '../../../serving/prepared-endpoint.ts';

const program = fileURLToPath(new URL('./stand-in.mjs', import.meta.url));

type Answer = { readonly pid: number; readonly epochs: Readonly<Record<string, number>> };

/** Each on a connection of its own, so that processes take turns. */
export function ask(port: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpGet({ port, host: '127.0.0.1', agent: false, timeout: 5_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString()) as Answer));
      response.once('error', reject);
    });
    request.once('timeout', () => request.destroy(new Error('connected, and nobody answers')));
    request.once('error', reject);
  });
}

/** Two processes that speak the messages of answering ones, on ports of their own. */
export async function openPool(
  options: {
    readonly recycleAfterLoads?: number;
    readonly answerWithinMs?: number;
    readonly restore?: () => Promise<void>;
  } = {},
) {
  const [httpPort = 0, grpcPort = 0] = await claimPorts('127.0.0.1', [
    { port: null, setting: 'PERDURA_SERVING_PORT' },
    { port: null, setting: 'PERDURA_SERVING_GRPC_PORT' },
  ]);
  const inForce = new Map<string, PreparedEndpoint>();
  const replaced: string[] = [];
  /** How many were ready whenever another one came. */
  const readyThen: number[] = [];
  let writers = 0;
  let changes = 0;
  const pool = createAnsweringPool({
    size: 2,
    recycleAfterLoads: options.recycleAfterLoads ?? 1_000,
    fork: () =>
      forkAnswering({
        program,
        writer: `a${(writers += 1)}`,
        httpPort,
        grpcPort,
        ...(options.answerWithinMs !== undefined && { answerWithinMs: options.answerWithinMs }),
        environment: {},
        onMessage: () => undefined,
      }),
    inForce: () => [...inForce.values()],
    restore: options.restore ?? (() => Promise.resolve()),
    onReady: () => readyThen.push(pool.living().filter((each) => each.state() === 'ready').length),
    onEnded: () => undefined,
    onReplaced: (why) => replaced.push(why),
    report: () => undefined,
  });
  await pool.begin();
  return {
    pool,
    httpPort,
    grpcPort,
    replaced,
    readyThen,
    put: (endpoint: PreparedEndpoint) =>
      switchEndpoint({
        change: (changes += 1),
        endpoint,
        living: pool.living,
        commit: () => void inForce.set(endpoint.route.endpoint, endpoint),
      }),
    close: () => pool.drain({ atMostMs: 5_000 }),
  };
}

export type Pool = Awaited<ReturnType<typeof openPool>>;

export const ready = ({ pool }: Pool): readonly AnsweringProcess[] =>
  pool.living().filter((each) => each.state() === 'ready');
