import { parentEnvironment } from '../end-with-parent.ts';
import type { LogCollector } from '../log/collector.ts';
import type { ServingConfig } from '../serving-config.ts';
import { type AnsweringPool, createAnsweringPool } from './answering-pool.ts';
import { type AnsweringProcess, forkAnswering } from './answering-process.ts';
import type { ControlMetrics } from './control-metrics.ts';
import type { EndpointFollower } from './endpoint-follower.ts';
import type { PackagesOnDisk } from './packages-on-disk.ts';
import type { ShareOut } from './share-out.ts';
import type { Status } from './status.ts';

/** What answering processes are told of, and tell to. */
export type PoolParts = {
  readonly ports: { readonly httpPort: number; readonly grpcPort: number };
  readonly metrics: ControlMetrics;
  readonly shares: ShareOut;
  readonly collector: LogCollector;
  readonly packages: PackagesOnDisk;
  readonly follower: EndpointFollower;
  /** Asked when the first question comes: it needs the pool itself. */
  readonly status: () => Status;
  readonly onAnswering: (pids: readonly number[]) => void;
  readonly report: (line: string) => void;
};

/** The answering processes of one server, with all that they say brought to where it belongs. */
export function openPool(config: ServingConfig, parts: PoolParts): AnsweringPool {
  const { metrics, shares, collector, follower } = parts;
  const environment = environmentOf(config);
  let writers = 0;
  const fork = (): AnsweringProcess =>
    forkAnswering({
      writer: `a${(writers += 1)}`,
      ...parts.ports,
      environment,
      onMessage(process, message) {
        switch (message.type) {
          case 'ask':
            return void parts.status().tell(process, message);
          case 'asked':
            return shares.asked(process, message.asked);
          case 'report':
            return metrics.reported(process.writer, message);
          default:
            return message satisfies never;
        }
      },
    });
  const tellWho = (): void => {
    const ready = pool.living().filter((process) => process.state() === 'ready');
    parts.onAnswering(ready.map(({ pid }) => pid));
  };
  const pool: AnsweringPool = createAnsweringPool({
    size: config.processes,
    recycleAfterLoads: config.recycleAfterLoads,
    fork,
    inForce: () => follower.inForce(),
    async restore() {
      const models = follower.inForce().flatMap(({ arms, shadows }) => [...arms.map(({ model }) => model), ...shadows]);
      for (const { reference } of models) await parts.packages.restore(reference);
    },
    onReady(process) {
      shares.joined(process);
      tellWho();
    },
    onEnded(process, { drained }) {
      shares.ended(process);
      metrics.ended(process.writer);
      collector.writerEnded(process.writer, drained ? 'clean' : 'killed');
      tellWho();
    },
    onReplaced: (why) => metrics.own.replaced('answering', why),
    report: parts.report,
  });
  return pool;
}

/** Who answers needs no bucket: its keys stay with the control process. */
function environmentOf(config: ServingConfig): Readonly<Record<string, string | undefined>> {
  const s3 = { ...config.s3, accessKeyId: null, secretAccessKey: null };
  return {
    ...parentEnvironment(),
    PERDURA_SERVING_CONFIG: JSON.stringify({ ...config, s3 }),
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_SESSION_TOKEN: undefined,
  };
}
