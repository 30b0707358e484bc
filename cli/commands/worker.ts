import { join } from 'node:path';

import type { Queue } from '../../domain/config.ts';
import { readConfig } from '../../project/config.ts';
import { loadProject } from '../../project/load.ts';
import { startWorker } from '../../workers/start-process.ts';
import { connectServices } from '../connect.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { suggestion } from '../nearest.ts';
import { withCleanup } from '../processes.ts';

const queues: readonly Queue[] = ['control', 'data', 'gpu'];

/** `perdura worker`: one worker in the foreground, until Ctrl-C or until it dies. */
export async function worker(
  { output, environment, folder }: Context,
  options: { readonly queues: string },
): Promise<number> {
  const wanted = readQueues(options.queues);
  return withCleanup({ exitCode: 0, onStopping: () => output.progress('Stopping') }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const project = await loadProject(config.projectFolder);
    const addresses = await connectServices(config, { cleanup, onProgress: output.progress });
    const started = await startWorker({
      addresses,
      projectFolder: project.folder,
      homeFolder: config.homeFolder,
      queues: wanted,
      buildFolder: join(config.homeFolder, 'build'),
      retainDays: config.retainDays,
      trustedKeys: config.trustedKeys,
    });
    cleanup.add(() => started.stop());
    const pipelines = project.pipelines.map((pipeline) => pipeline.name);
    output.answer(
      { pid: started.pid, queues: wanted, temporal: addresses.temporal.address, pipelines },
      () => `Worker ${started.pid} works on ${wanted.join(', ')} of ${addresses.temporal.address}. Ctrl-C stops it.`,
    );
    const code = await started.exited;
    output.progress(
      `The worker ended with ${code ?? 'a signal'}. Read ${join(config.homeFolder, 'logs', 'worker.log')}.`,
    );
    return 1;
  });
}

function readQueues(text: string): readonly Queue[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))];
  return names.map((name) => {
    const found = queues.find((queue) => queue === name);
    if (found !== undefined) return found;
    throw usageError(
      'INPUT_INVALID',
      `'${name}' is not a queue.${suggestion(name, queues)} There are: ${queues.join(', ')}.`,
    );
  });
}
