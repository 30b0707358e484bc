import { pathToFileURL } from 'node:url';

import { CodedError } from '../domain/errors.ts';
import type { FeatureModule, RecordField, RecordType } from '../domain/features.ts';
import { soundAggregates } from './features/sound-aggregates.ts';

const types: readonly RecordType[] = ['number', 'string', 'timestamp', 'boolean'];
const fieldTypes: ReadonlySet<unknown> = new Set<RecordField>(
  types.flatMap((type): RecordField[] => [type, `${type}?`]),
);

/**
 * Loads a bundled features.mjs. Node keeps a loaded module for ever under its path: a path must always hold the same bytes.
 *
 * @throws CodedError FEATURES_INVALID when it does not load, lacks `record` or `features`, or declares `aggregates` that do not hold up.
 */
export async function loadFeatureModule(path: string): Promise<FeatureModule> {
  const loaded: unknown = await import(pathToFileURL(path).href).catch((cause: unknown) => {
    throw invalid(path, `does not load (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  });
  const { record, features, aggregates = null } = loaded as Readonly<Record<string, unknown>>;
  if (!isRecordSchema(record))
    throw invalid(
      path,
      "must export 'record', each field being number, string, timestamp or boolean, with a question mark where it may be null",
    );
  if (!isFeatureFunction(features)) throw invalid(path, "must export the function 'features'");
  const sound = soundAggregates(record, aggregates);
  if (sound.problem !== null) throw invalid(path, `exports 'aggregates' that do not hold up: ${sound.problem}`);
  return { record, features, aggregates: sound.aggregates };
}

function isRecordSchema(value: unknown): value is FeatureModule['record'] {
  if (typeof value !== 'object' || value === null) return false;
  const fields = Object.values(value);
  return fields.length > 0 && fields.every((type) => fieldTypes.has(type));
}

function isFeatureFunction(value: unknown): value is FeatureModule['features'] {
  return typeof value === 'function';
}

function invalid(path: string, what: string, cause: unknown = null): CodedError {
  return new CodedError('FEATURES_INVALID', `${path} ${what}. Correct the pipeline's features.ts.`, {
    details: { path },
    cause,
  });
}
