import type { FastifyInstance } from 'fastify';

import { isCoded } from '../../../domain/errors.ts';
import type { AnsweringParts } from '../../answering/parts.ts';
import { describedEndpoint } from '../described-endpoint.ts';
import { statusOf } from '../failures.ts';
import { modelMetadata, serverMetadata } from '../metadata.ts';

type ModelRoute = { Params: { endpoint: string; modelVersion?: string } };

/**
 * What the Open Inference Protocol v2 asks on REST beside inference (https://github.com/kserve/open-inference-protocol): health, metadata. Its
 * model is our endpoint.
 */
export function addV2Routes(app: FastifyInstance, parts: AnsweringParts): void {
  app.get('/v2', () => serverMetadata);
  app.get('/v2/health/live', () => ({ live: true }));
  // The process listens only once all endpoints are loaded.
  app.get('/v2/health/ready', (_, reply) => reply.code(parts.open() ? 200 : 503).send({ ready: parts.open() }));
  for (const path of ['/v2/models/:endpoint', '/v2/models/:endpoint/versions/:modelVersion']) {
    app.get<ModelRoute>(path, async ({ params, headers }) => {
      const active = await describedEndpoint(parts, params.endpoint, headers);
      return modelMetadata(active, params.modelVersion ?? null);
    });
    app.get<ModelRoute>(`${path}/ready`, async ({ params, headers }, reply) => {
      const name = params.endpoint;
      try {
        modelMetadata(await describedEndpoint(parts, name, headers), params.modelVersion ?? null);
        return { name, ready: true };
      } catch (error) {
        if (!isCoded(error, 'NOT_FOUND')) throw error;
        return reply.code(statusOf(error).http).send({ name, ready: false, error: error.message });
      }
    });
  }
}
