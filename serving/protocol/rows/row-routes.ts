import type { FastifyInstance } from 'fastify';

import type { AnsweringParts } from '../../answering/parts.ts';
import { credentialOf } from '../credential.ts';
import { describedEndpoint, requireEndpointName } from '../described-endpoint.ts';
import { openApiOf } from './openapi.ts';

type EndpointRoute = { Params: { endpoint: string } };

/** What can be asked of an endpoint beside its predictions: how it fares, and how to talk to it. */
export function addRowRoutes(app: FastifyInstance, parts: AnsweringParts): void {
  app.get<EndpointRoute>('/endpoints/:endpoint', async ({ params, headers }) => {
    requireEndpointName(params.endpoint);
    return parts.status(params.endpoint, credentialOf(headers));
  });
  app.get<EndpointRoute>('/endpoints/:endpoint/openapi.json', async ({ params, headers }) =>
    openApiOf(await describedEndpoint(parts, params.endpoint, headers)),
  );
}
