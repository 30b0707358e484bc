import type { FastifyInstance } from 'fastify';
import { type PredictRequest, predict, recordLabels, type RowEndpointParts } from '../../row-endpoint.ts';
import { labelsSchema, predictSchema } from './schemas.ts';

type EndpointRoute = { Params: { endpoint: string } };
type LabelsBody = { readonly labels: Parameters<typeof recordLabels>[2] };

const labelsLimitBytes = 2 * 1024 * 1024;

/** The endpoints that take raw records and labels, and say how they fare. */
export function addRowRoutes(app: FastifyInstance, parts: RowEndpointParts): void {
  app.post<EndpointRoute & { Body: PredictRequest }>(
    '/endpoints/:endpoint/predict',
    { schema: predictSchema },
    async (request, reply) => {
      // Sent from inside, so that shadows come after the answer and not before it.
      await predict(parts, request.params.endpoint, request.body, (answer) => void reply.send(answer));
      return reply;
    },
  );
  app.post<EndpointRoute & { Body: LabelsBody }>(
    '/endpoints/:endpoint/labels',
    { schema: labelsSchema, bodyLimit: labelsLimitBytes },
    async (request, reply) => {
      await recordLabels(parts, request.params.endpoint, request.body.labels);
      return reply.code(202).send({ accepted: request.body.labels.length });
    },
  );
  app.get<EndpointRoute>('/endpoints/:endpoint', async (request) => {
    const { endpoint } = request.params;
    if (parts.follower.current(endpoint) === null) await parts.follower.follow(endpoint);
    const active = parts.follower.hold(endpoint);
    active.letGo();
    const { epoch, arms, shadows } = active.route;
    const problem = parts.follower.problem(endpoint);
    return { endpoint, epoch, arms, shadows, ...parts.counters.of(endpoint), problem };
  });
}
