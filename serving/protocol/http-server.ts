import fastify, { type FastifyInstance } from 'fastify';
import { CodedError } from '../../domain/errors.ts';
import { sendFailure } from './failures.ts';
import type { RowEndpointParts } from '../row-endpoint.ts';
import { addRowRoutes } from './rows/row-routes.ts';
import { addV2Routes, type V2Parts } from './rest/v2-routes.ts';

const bodyLimitBytes = 64 * 1024;

/** The HTTP server with all routes; it does not listen yet. */
export function createApp(parts: RowEndpointParts & V2Parts): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    // While it drains, requests on open connections are still answered, each told that the connection ends.
    return503OnClosing: false,
    // Fastify's defaults turn null into 0 and "5" into 5, and drop what they do not know, all with 200.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  });
  app.setErrorHandler((error, _, reply) => sendFailure(reply, error));
  app.setNotFoundHandler((request, reply) =>
    sendFailure(reply, new CodedError('NOT_FOUND', `No route ${request.method} ${request.url}. See GET /v2.`)),
  );
  addV2Routes(app, parts);
  addRowRoutes(app, parts);
  return app;
}
