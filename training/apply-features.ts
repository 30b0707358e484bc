import type { PastValues } from '../domain/aggregate.ts';
import { CodedError } from '../domain/errors.ts';
import {
  type FeatureModule,
  type FeatureNames,
  featureNames,
  type FeatureRow,
  type RawRecord,
} from '../domain/features.ts';

/**
 * Calls the author's feature function on one record.
 *
 * @throws CodedError FEATURES_INVALID when it throws, or returns no object.
 */
export function applyFeatures(module: FeatureModule, record: RawRecord, past: PastValues): FeatureRow {
  let row: unknown;
  try {
    row = module.features(record, past);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError(
      'FEATURES_INVALID',
      `The feature function threw '${reason}' on the record ${JSON.stringify(record)}. Correct the pipeline's features.ts.`,
      { details: { record, past }, cause: error },
    );
  }
  if (isFeatureRow(row)) return row;
  throw new CodedError(
    'FEATURES_INVALID',
    `The feature function must return an object of numbers and strings, got ${String(row)}. Correct the pipeline's features.ts.`,
    { details: { record } },
  );
}

/**
 * The names of the features that the first row has; all other rows are held to them.
 *
 * @throws CodedError FEATURES_INVALID when one is neither number nor string, or there is none.
 */
export function namesOf(row: FeatureRow): FeatureNames {
  const names = featureNames(row);
  const unlike = Object.keys(row).find((name) => !names.numbers.includes(name) && !names.categories.includes(name));
  if (unlike !== undefined)
    throw new CodedError(
      'FEATURES_INVALID',
      `Feature '${unlike}' must be a number or a string, got ${String(row[unlike])}. Correct the pipeline's features.ts.`,
    );
  if (names.numbers.length + names.categories.length === 0)
    throw new CodedError(
      'FEATURES_INVALID',
      "The feature function returns no feature. Return an object of numbers and strings from the pipeline's features.ts.",
    );
  return names;
}

/** Only that it is an object: `namesOf` and `encodeRows` look at its values. */
function isFeatureRow(row: unknown): row is FeatureRow {
  return typeof row === 'object' && row !== null;
}
