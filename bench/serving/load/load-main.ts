import type { LoadJob } from './job.ts';
import { runLoad } from './run-load.ts';

/** The load generator's process: one job after the other, each answered with its result or what it failed with. */
process.on('message', (job: LoadJob) => {
  runLoad(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
