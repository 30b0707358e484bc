import type { TrafficPlan, TrafficReport } from './traffic.ts';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A client that sends flights until it is stopped or has sent them all. */
export type TrafficProcess = {
  readonly report: () => TrafficReport;
  /** Settles when a month is wholly sent, or the client has ended: whether the month was sent. */
  readonly monthSent: (month: string) => Promise<boolean>;
  /** Settles with the last report when everything is sent and every label told. */
  readonly done: Promise<TrafficReport>;
  /** Lets it send the flights before a moment, ISO 8601. */
  allow(upTo: string): void;
  hasEnded(): boolean;
  stop(): Promise<TrafficReport>;
};

const nothing: TrafficReport = {
  sent: 0,
  answered: 0,
  failed: 0,
  labels: 0,
  byProtocol: { rest: 0, grpc: 0 },
  byVersion: {},
  clock: '',
  finishedMonths: [],
  latencyP50Ms: 0,
  latencyP99Ms: 0,
  done: false,
};

/** Starts the client; what it complains about goes to stderr. */
export function startTraffic(plan: TrafficPlan): TrafficProcess {
  const child = fork(fileURLToPath(new URL('./traffic.js', import.meta.url)), [], {
    env: { ...process.env, PERDURA_TRAFFIC_PLAN: JSON.stringify(plan) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let latest = nothing;
  const listeners = new Set<() => void>();
  child.on('message', (message: TrafficReport) => {
    latest = message;
    for (const listener of listeners) listener();
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const done = ended.then((code) => {
    if (code === 0) return latest;
    throw new Error(`The client that sends flights ended with ${code ?? 'a signal'}.`);
  });
  // Whoever waits for it hears of it; until then it is not unhandled.
  done.catch(() => undefined);
  return {
    report: () => latest,
    monthSent: (month) =>
      Promise.race([
        ended.then(() => latest.finishedMonths.includes(month)),
        new Promise<boolean>((resolve) => {
          const check = () => {
            if (!latest.finishedMonths.includes(month)) return;
            listeners.delete(check);
            resolve(true);
          };
          listeners.add(check);
          check();
        }),
      ]),
    done,
    allow(upTo) {
      if (child.connected) child.send({ upTo });
    },
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    stop() {
      if (child.connected) child.send('stop');
      return done;
    },
  };
}
