import { type Aggregates, eventKey, foldWindow, type PastValues, viewOf, windowOf } from '../../domain/aggregate.ts';
import { CodedError } from '../../domain/errors.ts';
import type { RawRecord } from '../../domain/features.ts';
import type { OnlineStore } from './online-store.ts';

/**
 * Looks up what a record's features may know of the past: each aggregate as of the record's time, folded as training folds it. All windows go
 * in one read, so that they see one state of the store and cost one round trip.
 *
 * @throws CodedError INPUT_INVALID when the record lacks a field that aggregates need; SERVICE_UNAVAILABLE.
 */
export async function pastValues(store: OnlineStore, aggregates: Aggregates, record: RawRecord): Promise<PastValues> {
  const at = record[aggregates.time];
  if (typeof at !== 'number') {
    throw new CodedError(
      'INPUT_INVALID',
      `The record has no time '${aggregates.time}', as of which its aggregates are. Send it as 'record' of features.ts says.`,
      { details: { field: aggregates.time } },
    );
  }
  const declared = Object.entries(aggregates.values);
  const windows = declared.map(([name, aggregate]) => ({
    view: viewOf(aggregates, name),
    key: eventKey(aggregate, record),
    ...windowOf(aggregates, name, at),
  }));
  const found = await store.read(windows);
  return Object.fromEntries(
    declared.map(([name, aggregate], index) => [name, foldWindow(aggregate, found[index] ?? [])]),
  );
}
