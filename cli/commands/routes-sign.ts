import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { listRoutes, readRoute, signRoute } from '../../stores/routes.ts';
import { openTrustedSigningKey } from '../../stores/signing/trusted-keys.ts';
import type { Context } from '../context.ts';
import { usageError } from '../errors.ts';
import { localPackages } from '../local-packages.ts';
import { endpointNotFound, type RouteOptions } from '../route-change.ts';
import { signed, writingBucket } from '../snapshots.ts';
import { tellServers } from '../tell-servers.ts';

/** `perdura routes sign`: a person vouches for a route that nobody trusts, so that servers follow it and releases build on it again. */
export function routesSign(context: Context, endpoint: string, options: RouteOptions): Promise<number> {
  return writingBucket(context, async ({ store, config }) => {
    const { trusted } = localPackages(config);
    const key = await openTrustedSigningKey(join(config.homeFolder, 'keys'), trusted, 'ROUTE_UNTRUSTED');
    if ((await readRoute(store, endpoint)) === null) throw endpointNotFound(endpoint, await listRoutes(store));
    const { at, ...by } = signed(options.why, 'sign');
    const who = options.who ?? by.who;
    const change = { changeId: `sign/${endpoint}/${randomUUID()}`, at, who, why: `signed as it stood: ${by.why}` };
    const route = await signRoute(store, endpoint, { ...change, key, trusted });
    if (route === null)
      throw usageError('INPUT_INVALID', `The route of endpoint '${endpoint}' is signed by a key that is trusted here.`);
    const { epoch, arms } = route;
    const behind = await tellServers(context.output, { what: 'route', endpoint, epoch }, { store });
    const shares = arms.map(({ version, weight }) => `${version.model} ${version.modelVersion}: ${weight} %`);
    context.output.answer({ endpoint, epoch, arms, behind }, () =>
      [`The route of endpoint ${endpoint} is signed since epoch ${epoch}.`, ...shares].join('\n'),
    );
    return 0;
  });
}
