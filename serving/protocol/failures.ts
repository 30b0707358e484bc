import type { FastifyReply } from 'fastify';
import { type ErrorCode, errorTable, isCoded } from '../../domain/errors.ts';

/** HTTP statuses of the codes that a client can meet; every other code is our fault: 500. */
const statuses: Readonly<Partial<Record<ErrorCode, number>>> = {
  INPUT_INVALID: 400,
  NOT_FOUND: 404,
  OVERLOADED: 429,
  SERVICE_UNAVAILABLE: 503,
  DISK_FULL: 503,
  PACKAGE_ALTERED: 503,
};

/**
 * Answers with an error: `{ code, message, remedy }`, the field where one is at fault, and for the inference protocol its `error` too.
 * What has no code is Fastify's refusal of a body (its own 4xx), or a fault of ours, whose text stays in here.
 */
export function sendFailure(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, code, message, field } = describe(error);
  if (status === 500 && !isCoded(error)) console.error(error);
  return reply.code(status).send({
    ...(reply.request.url.startsWith('/v2') ? { error: message } : {}),
    code,
    message,
    remedy: errorTable[code].remedy,
    ...(typeof field === 'string' ? { field } : {}),
  });
}

function describe(error: unknown): { status: number; code: ErrorCode; message: string; field?: unknown } {
  if (isCoded(error)) {
    // A route that names what does not load is no fault of the request's.
    const status = error.details['notInForce'] === true ? 503 : (statuses[error.code] ?? 500);
    return { status, code: error.code, message: error.message, field: error.details['field'] };
  }
  const refused = error as { readonly statusCode?: number; readonly message?: string };
  if (refused.statusCode !== undefined && refused.statusCode >= 400 && refused.statusCode < 500) {
    return { status: refused.statusCode, code: 'INPUT_INVALID', message: `${refused.message ?? 'Request refused'}.` };
  }
  return { status: 500, code: 'ACTIVITY_FAILED', message: 'The model server failed; its log says how.' };
}
