import { setTimeout as wait } from 'node:timers/promises';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { removeServerReport, type ServerReport, writeServerReport } from '../../stores/server-reports.ts';

/** Says in the bucket that this server lives and what it has in force: a release waits for that. */
export type SelfReport = {
  /** Says it now; once more when it changed while it was being said. */
  say(): void;
  /** Says that the server ended, if the bucket takes it in time. */
  close(options: { readonly atMostMs: number }): Promise<void>;
};

export type SelfReportOptions = {
  readonly store: ObjectStore;
  readonly replica: string;
  readonly describe: () => Pick<ServerReport, 'adminUrl' | 'endpoints'>;
  readonly report: (line: string) => void;
};

const everyMs = 10_000;

/** Nothing is said before the first `say`. */
export function createSelfReport({ store, replica, describe, report }: SelfReportOptions): SelfReport {
  const now = (): string => new Date().toISOString();
  let saying: Promise<void> | null = null;
  let again = false;
  let closed = false;
  let away = false;
  const write = async (): Promise<void> => {
    do {
      again = false;
      try {
        await writeServerReport(store, { replica, at: now(), ...describe() });
        away = false;
      } catch (error) {
        // The next one says it again; a line for each would fill the log of an outage.
        if (!away) report(`This server cannot report itself to the bucket: ${(error as Error).message}`);
        away = true;
      }
    } while (again && !closed);
  };
  const say = (): void => {
    again = true;
    if (closed) return;
    saying ??= write().finally(() => {
      saying = null;
    });
  };
  const timer = setInterval(say, everyMs);
  return {
    say,
    async close({ atMostMs }) {
      closed = true;
      clearInterval(timer);
      const remove = async (): Promise<void> => {
        // A report that is still on its way must not come after the last word.
        await saying;
        await removeServerReport(store, { replica, at: now() });
      };
      const late = new AbortController();
      const removed = remove().catch(() => report('This server could not say in the bucket that it ended.'));
      await Promise.race([removed, wait(atMostMs, undefined, { signal: late.signal }).catch(() => undefined)]);
      late.abort();
    },
  };
}
