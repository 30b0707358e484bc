import cluster from 'node:cluster';
import { forestTrees } from '../forest.ts';
import { benchRows } from '../requests.ts';
import { listenBareGrpc } from './bare-grpc.ts';
import { listenBareHttp } from './bare-http.ts';
import { type ForestSession, openForest } from './forest-session.ts';

/** `session.run` in a loop: what a request would cost if there were no server. */
export type SessionLoop = {
  readonly rows: number;
  readonly runs: number;
  readonly cpuMs: number;
  readonly seconds: number;
};

/**
 * The process of one floor: `floor-main.js <http|grpc|session> <model.onnx> <processes>`. With more than one it shares the port among that many by
 * `node:cluster`, as the model server does.
 */
const [kind, file, processes = '1'] = process.argv.slice(2);
if (file === undefined) throw new Error(`Usage: floor-main <http|grpc|session> <model.onnx of ${forestTrees} trees>`);
if (cluster.isPrimary && Number(processes) > 1) shareAmong(Number(processes));
else await answer(kind, file);
process.on('disconnect', () => process.exit(0));

function shareAmong(count: number): void {
  let ready = 0;
  for (let each = 0; each < count; each += 1) {
    cluster.fork().on('message', (port: number) => {
      ready += 1;
      if (ready === count) process.send?.(port);
    });
  }
}

async function answer(of: string | undefined, model: string): Promise<void> {
  const session = await openForest(model);
  if (of !== 'session') {
    process.send?.(await (of === 'grpc' ? listenBareGrpc : listenBareHttp)(session));
    return;
  }
  process.on('message', ({ rows, seconds }: { rows: number; seconds: number }) => {
    void sessionLoop(session, rows, seconds).then((result) => process.send?.(result));
  });
  process.send?.(0);
}

async function sessionLoop(session: ForestSession, rows: number, seconds: number): Promise<SessionLoop> {
  const numbers = benchRows(rows);
  const [began, before] = [performance.now(), process.cpuUsage()];
  let runs = 0;
  while (performance.now() - began < seconds * 1_000) {
    await session.run(numbers);
    runs += 1;
  }
  const { user, system } = process.cpuUsage(before);
  return { rows, runs, cpuMs: (user + system) / 1_000, seconds: (performance.now() - began) / 1_000 };
}
