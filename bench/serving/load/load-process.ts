import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadJob, LoadResult } from './job.ts';

/** The load generator, in a process of its own: its CPU time is not the server's. */
export type LoadProcess = {
  /** Runs one job. @throws Error when it could not be run; requests that failed are in the result. */
  run(job: Omit<LoadJob, 'firstId'>): Promise<LoadResult>;
  close(): void;
};

/** Ids of one bench never come twice, whatever process sends them; a job takes at most so many. */
const idsPerJob = 10_000_000;
let jobs = 0;

export async function startLoad(): Promise<LoadProcess> {
  const child: ChildProcess = fork(fileURLToPath(new URL('./load-main.js', import.meta.url)), [], {
    serialization: 'advanced',
  });
  await once(child, 'message');
  return {
    async run(job) {
      const answer = once(child, 'message');
      child.send({ ...job, firstId: (jobs += 1) * idsPerJob } satisfies LoadJob);
      const [{ result, error }] = (await answer) as [{ result?: LoadResult; error?: string }];
      if (result === undefined) throw new Error(`The load generator failed: ${error ?? 'it gave no result'}`);
      return result;
    },
    close: () => child.disconnect(),
  };
}
