import type { Cleanup } from '../cli/processes.ts';

/** Takes what is started within a part of the job. */
export type Stack = Pick<Cleanup, 'add'>;

/** Stops what a part of the job took, newest first, when that part ends; the job's cleanup does the same when the job is interrupted. */
export async function scoped<Result>(cleanup: Stack, work: (stack: Stack) => Promise<Result>): Promise<Result> {
  const stops: (() => Promise<void>)[] = [];
  const stopAll = async () => {
    for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
  };
  cleanup.add(stopAll);
  try {
    return await work({ add: (stop) => void stops.push(stop) });
  } finally {
    await stopAll();
  }
}
