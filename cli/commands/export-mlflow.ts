import { join } from 'node:path';
import { pipelineFunction } from '../../project/load.ts';
import { readConfig } from '../../project/config.ts';
import { connectBucket } from '../connect.ts';
import type { Context } from '../context.ts';
import { createMlflowClient } from '../mlflow/client.ts';
import { exportToMlflow } from '../mlflow/export.ts';
import { withCleanup } from '../processes.ts';

export type ExportMlflowOptions = { readonly to: string; readonly pipeline?: string };

/** `perdura export mlflow`: mirrors runs, trainings and models into a tracking server, from the bucket alone. */
export async function exportMlflow(
  { output, environment, folder }: Context,
  options: ExportMlflowOptions,
): Promise<number> {
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const client = createMlflowClient(options.to);
    const store = await connectBucket(config, { cleanup, onProgress: output.progress });
    const counts = await exportToMlflow({
      store,
      client,
      cacheFolder: join(config.homeFolder, 'cache'),
      pipeline: options.pipeline === undefined ? null : pipelineFunction(options.pipeline),
      say: output.progress,
    });
    output.answer(
      counts,
      () =>
        `Exported ${counts.runs} runs, ${counts.trainings} trainings and ${counts.modelVersions} model versions; ${counts.already} stood there already.`,
    );
    return 0;
  });
}
