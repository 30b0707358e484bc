import { fieldType, type RecordSchema, type RecordType } from '../../../domain/features.ts';
import type { Signature } from '../../../domain/model-package.ts';

/** A JSON Schema of draft 2020-12, as OpenAPI 3.1 has them. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const types: Readonly<Record<RecordType, JsonSchema>> = {
  number: { type: 'number' },
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  // Not `date-time`: the zone may be left out.
  timestamp: { type: 'string', description: 'ISO 8601; without a zone it is UTC.', examples: ['2001-03-31T17:00:00Z'] },
};

/** The raw record that a package's feature function takes. Fields that it does not name are kept in the log and without effect. */
export function recordSchema(record: RecordSchema): JsonSchema {
  const fields = Object.entries(record).map(([name, field]) => [name, fieldType(field)] as const);
  return {
    type: 'object',
    required: fields.flatMap(([name, { optional }]) => (optional ? [] : [name])),
    properties: Object.fromEntries(
      fields.map(([name, { type, optional }]) => [
        name,
        optional ? { anyOf: [types[type], { type: 'null' }] } : types[type],
      ]),
    ),
  };
}

/** One answer of a package: what `answerOf` makes of a row. */
export function outputSchema({ target, classes = [] }: Pick<Signature, 'target' | 'classes'>): JsonSchema {
  const { name, task } = target;
  switch (task) {
    case 'binary':
      return named({ [name]: probability(`How probable it is that '${name}' is true.`) });
    case 'regression':
      return named({ [name]: { type: 'number', description: `The prediction of '${name}'.` } });
    case 'multiclass':
      return named({
        [name]: { type: 'string', enum: classes, description: 'The likeliest class.' },
        probabilities: named(Object.fromEntries(classes.map((each) => [each, probability()]))),
      });
    default:
      return task satisfies never;
  }
}

/** An object whose members are all there. */
export function named(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', required: Object.keys(properties), properties };
}

function probability(description?: string): JsonSchema {
  return { type: 'number', minimum: 0, maximum: 1, ...(description === undefined ? {} : { description }) };
}
