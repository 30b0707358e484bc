import type { Route } from '../../domain/route.ts';
import { readConfig } from '../../project/config.ts';
import { listRoutes, routeHistory } from '../../stores/routes.ts';
import { connectBucket } from '../connect.ts';
import type { Context } from '../context.ts';
import { moment, table } from '../output.ts';
import { withCleanup } from '../processes.ts';
import { endpointNotFound } from '../route-change.ts';

/** `perdura routes`: who answers on which endpoint with which share, read from the bucket alone; one endpoint with its history. */
export async function routes({ output, environment, folder }: Context, endpoint: string | undefined): Promise<number> {
  return withCleanup({ exitCode: 130 }, async (cleanup) => {
    const config = readConfig(environment, folder);
    const store = await connectBucket(config, { cleanup, onProgress: output.progress });
    const current = await listRoutes(store);
    if (endpoint === undefined) {
      output.answer({ routes: current }, () =>
        current.length === 0 ? 'No endpoints yet. A first promotion makes one.' : describe(current),
      );
      return 0;
    }
    if (!current.some((route) => route.endpoint === endpoint)) throw endpointNotFound(endpoint, current);
    const history = await routeHistory(store, endpoint);
    output.answer({ endpoint, history }, () => describe(history));
    return 0;
  });
}

function describe(routes: readonly Route[]): string {
  return table(
    ['ENDPOINT', 'EPOCH', 'ARMS', 'SHADOWS', 'SINCE', 'WHO', 'WHY'],
    routes.map((route) => [
      route.endpoint,
      String(route.epoch),
      route.arms.map((arm) => `${arm.version.model} ${arm.version.modelVersion}: ${arm.weight} %`).join(', '),
      route.shadows.map((shadow) => `${shadow.model} ${shadow.modelVersion}`).join(', '),
      moment(route.at),
      route.who,
      route.why,
    ]),
  );
}
