import { setImmediate } from 'node:timers/promises';
import type { CategoryProfile, NumberProfile, TrainingProfile } from '../../domain/drift-report.ts';
import type { FeatureNames } from '../../domain/features.ts';
import { numberProfile } from '../profile.ts';
import { createValueCounter, toVocabulary } from '../vocabulary.ts';
import type { DataColumns } from './data-columns.ts';

/** A scan costs more than its columns; so many of them bound the memory. */
const columnsAtOnce = 8;

/** So many rows tell a distribution to a third of a percent; all of a million would take the cores that the trainer trains on. */
export const mostProfiledRows = 200_000;

/**
 * Counts the features of a data file, as `trainingProfile` does for rows in memory: some columns at a time, over all rows or 200,000 evenly
 * spaced ones.
 */
export async function featureProfiles(
  columns: DataColumns,
  names: FeatureNames,
  rows: number,
): Promise<TrainingProfile['features']> {
  const sample = { rows: Math.min(rows, mostProfiledRows), of: rows };
  const profiles: [string, NumberProfile | CategoryProfile][] = [];
  for (let first = 0; first < names.numbers.length; first += columnsAtOnce) {
    const some = names.numbers.slice(first, first + columnsAtOnce);
    for (const [index, values] of (await columns.floats(some, sample)).entries()) {
      profiles.push([some[index] ?? '', numberProfile(values)]);
      await setImmediate();
    }
  }
  for (const name of names.categories) profiles.push([name, categoryProfile(await columns.counts(name, sample))]);
  return Object.fromEntries(profiles);
}

function categoryProfile(found: ReadonlyMap<string, number>): CategoryProfile {
  const { values } = toVocabulary({ ...createValueCounter(), counts: found });
  const counts = values.map((value) => found.get(value) ?? 0);
  const all = [...found.values()].reduce((sum, count) => sum + count, 0);
  const kept = counts.reduce((sum, count) => sum + count, 0);
  return { kind: 'category', values, counts, unseen: all - kept, missing: 0 };
}
