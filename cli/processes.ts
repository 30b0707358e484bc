/** Something that was started and must be stopped; called once. */
export type Stop = () => Promise<void>;

/** Takes what a command started, to stop it whatever way the command ends. */
export type Cleanup = {
  /** Aborts when the command begins to end: what still goes on then, ends. */
  readonly signal: AbortSignal;
  add(stop: Stop): void;
  /** Ends the command with this error should it ever come: something that it rests on has died. */
  failsWith(error: Promise<Error>): void;
};

/** How a command ends when it is interrupted: 0 where Ctrl-C is its normal end, else 130. */
export type Interruption = {
  readonly exitCode: 0 | 130;
  /** Told at once: what was started may take some seconds to stop. */
  readonly onStopping?: () => void;
  /** Told when all has stopped. */
  readonly onInterrupted?: () => void;
};

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a command's work, then stops what it started, the newest first, one after the other: a worker before the services that it
 * needs. SIGINT, SIGTERM and SIGHUP end the work the same way; a second signal ends the process at once.
 */
export async function withCleanup(
  interruption: Interruption,
  work: (cleanup: Cleanup) => Promise<number>,
): Promise<number> {
  const stops: Stop[] = [];
  const { interrupted, release } = nextSignal();
  const ending = new AbortController();
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  // What is started while the command is already stopping is stopped at once.
  const add = (stop: Stop) => void (ending.signal.aborted ? stop().catch(() => undefined) : stops.unshift(stop));
  const failsWith = (error: Promise<Error>) => void error.then(fail);
  const stopAll = async () => {
    ending.abort();
    for (const stop of stops) await stop().catch(() => undefined);
    release();
  };
  try {
    const first = await Promise.race([work({ add, failsWith, signal: ending.signal }), interrupted, failed]);
    if (first === 'interrupted') interruption.onStopping?.();
    await stopAll();
    if (first !== 'interrupted') return first;
    interruption.onInterrupted?.();
    return interruption.exitCode;
  } catch (error) {
    await stopAll();
    throw error;
  }
}

function nextSignal(): { readonly interrupted: Promise<'interrupted'>; readonly release: () => void } {
  let count = 0;
  let arrived: (value: 'interrupted') => void = () => undefined;
  const interrupted = new Promise<'interrupted'>((resolve) => (arrived = resolve));
  const onSignal = () => {
    count += 1;
    if (count > 1) process.exit(130);
    arrived('interrupted');
  };
  for (const signal of signals) process.on(signal, onSignal);
  return { interrupted, release: () => signals.forEach((signal) => process.off(signal, onSignal)) };
}

/** A child process that does its work until it is stopped. */
export type Child = { readonly pid: number; stop(): Promise<void>; readonly exited: Promise<number | null> };

/** How a child is kept alive. */
export type KeepOptions<Started extends Child> = {
  readonly name: string;
  /** Starts it; gets the one before, for example to take its port again. */
  readonly start: (before: Started | null) => Promise<Started>;
  readonly onLine: (line: string) => void;
  /** So many restarts within the time, then it is given up. */
  readonly restarts: number;
  readonly withinMs: number;
  readonly now: () => number;
};

/** A child that is started again when it dies. `gaveUp` settles with the reason when it died too often. */
export type KeptChild<Started extends Child> = {
  readonly first: Started;
  readonly current: () => Started;
  stop(): Promise<void>;
  readonly gaveUp: Promise<string>;
};

/** Starts a child and keeps it alive: a crash of one process is no reason to lose the others, dying for ever is. */
export async function keepAlive<Started extends Child>(options: KeepOptions<Started>): Promise<KeptChild<Started>> {
  const first = await options.start(null);
  let current = first;
  let stopping = false;
  const deaths: number[] = [];
  const watch = async (): Promise<string> => {
    for (;;) {
      const code = await current.exited;
      // Stopped on purpose: nobody is told, the promise stays open.
      if (stopping) return new Promise(() => undefined);
      deaths.push(options.now());
      const recent = deaths.filter((at) => at > options.now() - options.withinMs).length;
      const ended = `The ${options.name} (pid ${current.pid}) ended with ${code === null ? 'a signal' : `code ${code}`}`;
      if (recent > options.restarts) return `${ended}, ${recent} times in a short while. It is not started again.`;
      options.onLine(`${ended}; starting it again.`);
      current = await options.start(current);
      if (stopping) await current.stop();
    }
  };
  const gaveUp = watch().catch((error: unknown) => `The ${options.name} does not start again: ${String(error)}`);
  const stop = async () => {
    stopping = true;
    await current.stop();
  };
  return { first, current: () => current, stop, gaveUp };
}
