import cluster from 'node:cluster';

import { until } from '../harness.ts';
import { ask, openPool, type Pool, ready } from './pool-stage.ts';

const atMostMs = 15_000;

let open: Pool;

afterEach(() => open.close(), atMostMs);

test(
  'connections that come while processes are killed are reset or answered, and none waits for ever',
  async () => {
    open = await openPool();
    const outcomes: string[] = [];
    let stopped = false;
    const client = async (): Promise<void> => {
      while (!stopped) {
        outcomes.push(
          await ask(open.httpPort).then(
            () => 'answered',
            (error: NodeJS.ErrnoException) => error.code ?? error.message,
          ),
        );
      }
    };
    const clients = Array.from({ length: 16 }, client);
    for (let killed = 0; killed < 6; killed += 1) {
      const seen = outcomes.length;
      await until('answers', () => outcomes.length > seen + 200 && ready(open).length === 2);
      const one = ready(open)[killed % 2];
      one?.kill();
      await one?.ended;
    }
    await until('two processes again', () => ready(open).length === 2);
    stopped = true;
    await Promise.all(clients);
    expect(outcomes.filter((outcome) => !['answered', 'ECONNRESET'].includes(outcome))).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(1_200);
  },
  atMostMs,
);

test(
  'no connection is handed to a process whose channel is at its end, though Node does not say so until it is gone',
  async () => {
    open = await openPool();
    const [stuck] = ready(open);
    if (stuck === undefined) throw new Error('No process is ready.');
    process.kill(stuck.pid, 'SIGSTOP');
    // Of two, one is with the stuck process: Node waits for a word about it before it lets go of the channel.
    const handedOver = [ask(open.httpPort), ask(open.httpPort)];
    await Promise.race(handedOver);
    const worker = Object.values(cluster.workers ?? {}).find((each) => each?.process.pid === stuck.pid);
    // What Node does when it reads the end of the channel.
    worker?.process.disconnect();
    const other = ready(open).find(({ pid }) => pid !== stuck.pid)?.pid;
    for (const asked of [1, 2, 3]) expect([asked, (await ask(open.grpcPort)).pid]).toEqual([asked, other]);
    stuck.kill();
    await stuck.ended;
    expect(await Promise.all(handedOver)).toHaveLength(2);
  },
  atMostMs,
);
