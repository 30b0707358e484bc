import type { AccessPolicy } from '../../../domain/endpoint-policy.ts';
import { errorTable } from '../../../domain/errors.ts';
import type { ActiveEndpoint } from '../../answering/parts.ts';
import { championOf } from '../metadata.ts';
import { type JsonSchema, named, outputSchema, recordSchema } from './record-schemas.ts';

/** An OpenAPI 3.1 document. */
export type OpenApi = Readonly<Record<string, unknown>> & { readonly openapi: '3.1.0' };

const id: JsonSchema = { type: 'string', minLength: 1, maxLength: 200 };
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: JsonSchema) => ({ 'application/json': { schema } });

const failures: Readonly<Record<string, string>> = {
  400: 'The request does not hold up; `field` names what.',
  404: 'The endpoint has no route.',
  413: 'The body is too large.',
  415: 'The body is not application/json.',
  429: 'Too many requests; `retry-after` says when to send again.',
  500: 'The model failed.',
  503: 'Something that the answer needs is away.',
};
const accessFailures: Readonly<Record<string, string>> = {
  401: 'Nobody known is asking.',
  403: 'The caller may not do this.',
};

/** Describes an endpoint's row protocol: records and answers as its champion's package has them, and what its policy asks of callers. */
export function openApiOf(active: ActiveEndpoint): OpenApi {
  const { endpoint, epoch } = active.route;
  const { reference, signature } = championOf(active).model;
  const { access, limits } = active.policy;
  const responses = failureResponses(access);
  return {
    openapi: '3.1.0',
    info: {
      title: `Endpoint ${endpoint}`,
      version: reference.modelVersion,
      description: `Answered by ${reference.model} version ${reference.modelVersion}, package ${reference.packageDigest}, by route epoch ${epoch}.`,
    },
    paths: {
      [`/endpoints/${endpoint}/predict`]: { post: predictOperation(responses) },
      [`/endpoints/${endpoint}/labels`]: { post: labelsOperation(responses) },
      [`/endpoints/${endpoint}`]: { get: statusOperation(responses) },
    },
    components: {
      schemas: {
        ...fixedSchemas,
        SeveralRecords: request('records', {
          type: 'array',
          minItems: 1,
          maxItems: limits.rowsPerRequest,
          items: ref('Record'),
        }),
        Record: recordSchema(signature.record),
        Output: outputSchema(signature),
      },
      ...(access === null ? {} : { securitySchemes: securitySchemes(access) }),
    },
    ...(access === null ? {} : { security: requirements(access) }),
  };
}

function predictOperation(responses: object): object {
  return {
    operationId: 'predict',
    summary: 'Answers a record, or a list of records.',
    parameters: [
      header('x-perdura-subject', 'The stable id that the arm is chosen by, where the body names none.'),
      header('x-perdura-arm', 'For testers: champion or challenger. Such answers are no evidence.'),
    ],
    requestBody: { required: true, content: json({ oneOf: [ref('OneRecord'), ref('SeveralRecords')] }) },
    responses: {
      200: { description: 'The answer.', content: json({ oneOf: [ref('OneAnswer'), ref('SeveralAnswers')] }) },
      ...responses,
    },
  };
}

function labelsOperation(responses: object): object {
  return {
    operationId: 'labels',
    summary: 'Takes true outcomes as they become known.',
    requestBody: { required: true, content: json(ref('Labels')) },
    responses: { 202: { description: 'They are logged.', content: json(ref('Accepted')) }, ...responses },
  };
}

function statusOperation(responses: object): object {
  return {
    operationId: 'status',
    summary: 'Says how the endpoint fares on this model server.',
    responses: { 200: { description: 'Its route and its counts.', content: json({ type: 'object' }) }, ...responses },
  };
}

const ids = { requestId: id, subject: id } as const;
const answered = {
  requestId: id,
  endpoint: { type: 'string' },
  epoch: { type: 'integer' },
  arm: { enum: ['champion', 'challenger', 'direct'] },
  model: { type: 'string' },
  modelVersion: { type: 'string' },
} as const satisfies Readonly<Record<string, JsonSchema>>;

const fixedSchemas: Readonly<Record<string, JsonSchema>> = {
  OneRecord: request('record', ref('Record')),
  OneAnswer: named({ ...answered, output: ref('Output') }),
  SeveralAnswers: named({
    ...answered,
    answers: { type: 'array', items: named({ requestId: { type: 'string' }, output: ref('Output') }) },
  }),
  Labels: {
    ...named({ labels: { type: 'array', minItems: 1, maxItems: 10_000, items: ref('Label') } }),
    additionalProperties: false,
  },
  Label: {
    type: 'object',
    required: ['requestId', 'label'],
    properties: { requestId: id, label: { type: 'number' }, at: { type: 'string', description: 'ISO 8601.' } },
    additionalProperties: false,
  },
  Accepted: named({ accepted: { type: 'integer' } }),
  Failure: {
    type: 'object',
    required: ['code', 'message', 'remedy'],
    properties: {
      code: { enum: Object.keys(errorTable) },
      message: { type: 'string' },
      remedy: { type: 'string' },
      field: { type: 'string' },
    },
  },
};

function request(member: string, schema: JsonSchema): JsonSchema {
  return {
    type: 'object',
    required: [member],
    properties: { ...ids, [member]: schema },
    additionalProperties: false,
  };
}

function failureResponses(access: AccessPolicy | null): object {
  const all = access === null ? failures : { ...failures, ...accessFailures };
  return Object.fromEntries(
    Object.entries(all).map(([status, description]) => [status, { description, content: json(ref('Failure')) }]),
  );
}

function securitySchemes({ apiKeys, oidc }: AccessPolicy): object {
  return {
    ...(apiKeys.length > 0 ? { apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' } } : {}),
    ...(oidc === null
      ? {}
      : {
          oidc: {
            type: 'openIdConnect',
            openIdConnectUrl: `${oidc.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
          },
        }),
  };
}

/** Either is enough. */
function requirements({ apiKeys, oidc }: AccessPolicy): readonly object[] {
  return [
    ...(apiKeys.length > 0 ? [{ apiKey: [] }] : []),
    ...(oidc === null ? [] : [{ oidc: oidc.scope === null ? [] : [oidc.scope] }]),
  ];
}

function header(name: string, description: string): object {
  return { name, in: 'header', required: false, description, schema: { type: 'string' } };
}
