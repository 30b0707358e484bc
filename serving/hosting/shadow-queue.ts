/** Work that nobody waits for. `drop` is called instead of `run` when there is no room or no time. */
export type ShadowJob = { run(): Promise<void>; drop(): void };

/** A bounded queue of shadows. */
export type ShadowQueue = {
  /** Takes a job, or drops it when the queue is full: live traffic is never slowed by what only watches it. */
  offer(job: ShadowJob): void;
  /** Runs what is queued for at most so long, then drops the rest. */
  drain(options: { readonly atMostMs: number }): Promise<void>;
};

/**
 * Makes a queue of at most `capacity` jobs. They run one at a time, each in a turn of the event loop of its own, behind whatever that turn
 * had to do: between a live request and its answer stands one shadow's inference at most.
 */
export function createShadowQueue(options: { readonly capacity: number }): ShadowQueue {
  const jobs: ShadowJob[] = [];
  let busy = false;
  let deadline = Number.POSITIVE_INFINITY;
  let whenIdle: (() => void) | null = null;

  const next = (): void => {
    if (performance.now() >= deadline) for (const job of jobs.splice(0)) job.drop();
    const job = jobs.shift();
    busy = job !== undefined;
    if (job === undefined) return whenIdle?.();
    job
      .run()
      .finally(() => setImmediate(next))
      .catch(console.error);
  };
  return {
    offer(job) {
      if (jobs.length >= options.capacity) return job.drop();
      jobs.push(job);
      if (busy) return;
      busy = true;
      setImmediate(next);
    },
    async drain({ atMostMs }) {
      deadline = performance.now() + atMostMs;
      if (!busy) return;
      await new Promise<void>((resolve) => {
        whenIdle = resolve;
      });
    },
  };
}
