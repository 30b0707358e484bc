import type { FastifyInstance } from 'fastify';
import { isCoded } from '../../../domain/errors.ts';
import { outputOf } from '../../../domain/model-package.ts';
import type { InFlight } from '../../answering/in-flight.ts';
import type { RouteFollower } from '../../control/route-follower.ts';
import { inferSchema } from '../rows/schemas.ts';
import { findModel, loadedVersions, parseTensors, tensorsOf, type V2Request } from './v2.ts';

type ModelRoute = { Params: { model: string; modelVersion?: string } };
export type V2Parts = {
  readonly follower: RouteFollower;
  readonly inFlight: InFlight;
  /** False while the server drains. */
  readonly open: () => boolean;
};

const inferLimitBytes = 8 * 1024 * 1024;

/**
 * The Open Inference Protocol v2 on REST, JSON tensors (https://github.com/kserve/open-inference-protocol). It asks a model, not an
 * endpoint: no arm is chosen and nothing is logged, so these answers never count as evidence.
 */
export function addV2Routes(app: FastifyInstance, parts: V2Parts): void {
  app.get('/v2', () => ({ name: 'perdura', version: '2', extensions: [] }));
  app.get('/v2/health/live', () => ({ live: true }));
  app.get('/v2/health/ready', (_, reply) => {
    const ready = parts.open() && parts.follower.ready();
    return reply.code(ready ? 200 : 503).send({ ready });
  });
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:modelVersion'])
    addModelRoutes(app, parts, path);
}

function addModelRoutes(app: FastifyInstance, parts: V2Parts, path: string): void {
  const find = (params: ModelRoute['Params']) => findModel(parts.follower, params.model, params.modelVersion ?? null);
  app.get<ModelRoute>(path, (request) => {
    const { model } = find(request.params);
    const { model: name } = model.reference;
    return { name, versions: loadedVersions(parts.follower, name), platform: 'onnx', ...tensorsOf(model.signature) };
  });
  app.get<ModelRoute>(`${path}/ready`, (request, reply) => {
    try {
      find(request.params);
      return { name: request.params.model, ready: true };
    } catch (error) {
      if (!isCoded(error, 'NOT_FOUND')) throw error;
      return reply.code(404).send({ name: request.params.model, ready: false, error: error.message });
    }
  });
  app.post<ModelRoute & { Body: V2Request }>(
    `${path}/infer`,
    { schema: inferSchema, bodyLimit: inferLimitBytes },
    async (request) => {
      parts.inFlight.enter();
      try {
        const { active, model, arm } = find(request.params);
        active.hold();
        try {
          const rows = parseTensors(model.signature, request.body);
          const data = await model.run(rows);
          const { name, width } = outputOf(model.signature);
          return {
            model_name: model.reference.model,
            model_version: model.reference.modelVersion,
            ...(request.body.id === undefined ? {} : { id: request.body.id }),
            parameters: { arm },
            outputs: [{ name, datatype: 'FP32', shape: [rows.rows, width], data: [...data] }],
          };
        } finally {
          active.letGo();
        }
      } finally {
        parts.inFlight.leave();
      }
    },
  );
}
