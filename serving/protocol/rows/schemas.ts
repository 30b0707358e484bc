/**
 * JSON Schemas of the REST bodies. They check shapes; what a record holds is the package's to check. Ids are visible text of bounded
 * length: control characters and half surrogate pairs would not survive the log.
 */
const id = { type: 'string', pattern: '^\\P{C}{1,200}$' } as const;
const finite = { type: 'number' } as const;

export const predictSchema = {
  body: {
    type: 'object',
    required: ['record'],
    additionalProperties: false,
    properties: { requestId: id, subject: id, record: { type: 'object' } },
  },
  response: {
    200: {
      type: 'object',
      properties: {
        requestId: { type: 'string' },
        endpoint: { type: 'string' },
        epoch: { type: 'integer' },
        arm: { type: 'string' },
        model: { type: 'string' },
        modelVersion: { type: 'string' },
        // Of several classes: the likeliest by name, and the probabilities of all.
        output: { type: 'object', additionalProperties: true },
      },
    },
  },
} as const;

export const labelsSchema = {
  body: {
    type: 'object',
    required: ['labels'],
    additionalProperties: false,
    properties: {
      labels: {
        type: 'array',
        minItems: 1,
        maxItems: 10_000,
        items: {
          type: 'object',
          required: ['requestId', 'label'],
          additionalProperties: false,
          properties: { requestId: id, label: finite, at: { type: 'string', maxLength: 40 } },
        },
      },
    },
  },
} as const;

const tensor = {
  type: 'object',
  required: ['name', 'datatype', 'shape', 'data'],
  properties: {
    name: { type: 'string' },
    datatype: { type: 'string' },
    shape: { type: 'array', items: { type: 'integer', minimum: 0 }, maxItems: 8 },
    data: { type: 'array' },
  },
} as const;

/** Members that it does not name, `parameters` above all, are allowed and without effect: clients of the protocol send them. */
export const inferSchema = {
  body: {
    type: 'object',
    required: ['inputs'],
    properties: {
      id: { type: 'string', maxLength: 200 },
      inputs: { type: 'array', minItems: 1, maxItems: 8, items: tensor },
      outputs: {
        type: 'array',
        items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
      },
    },
  },
} as const;
