import { type DestinationStream, destination, type Logger, pino } from 'pino';

import type { MetricsRole } from './create-metrics.ts';

export type LoggerOptions = {
  readonly role: MetricsRole;
  /** Where the lines go; stderr unless given. */
  readonly to?: DestinationStream;
};

/** Structured logs: one JSON line each with `level`, `at` (ISO 8601 UTC), `role`, `pid` and `message`. Written at once: a crash loses none. */
export function createLogger({ role, to = destination({ dest: 2, sync: true }) }: LoggerOptions): Logger {
  return pino(
    {
      base: { role, pid: process.pid },
      messageKey: 'message',
      formatters: { level: (level) => ({ level }) },
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
    },
    to,
  );
}

/** For what reports by lines: each becomes an entry of level `info`. */
export function reportTo(logger: Logger): (line: string) => void {
  return (line) => logger.info(line);
}
