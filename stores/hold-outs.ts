import { canonicalJson } from '../domain/canonical-json.ts';
import type { DataSlice } from '../domain/snapshot.ts';
import { sha256Hex } from './digest.ts';
import { updateDocument } from './documents.ts';
import type { ObjectStore } from './objects/object-store.ts';

/** Which rows a model was judged on, and by which calls, in order. */
export type HoldOutUses = { readonly model: string; readonly data: DataSlice; readonly calls: readonly string[] };

/** `holdouts/<model>/<digest of the slice>.json`. */
export function holdOutKey(model: string, data: DataSlice): string {
  return `holdouts/${model}/${sha256Hex(canonicalJson(data))}.json`;
}

/**
 * Counts a use of a hold-out for a model and says which one it is, from 1. A call counts once, however often it is attempted: its use is taken
 * before anything is measured, because an evaluation that failed half-way may have been looked at all the same.
 *
 * @throws CodedError CONFLICT after 40 lost races.
 */
export async function useHoldOut(
  store: ObjectStore,
  use: { readonly model: string; readonly data: DataSlice; readonly call: string },
): Promise<number> {
  const { model, data, call } = use;
  const { value } = await updateDocument<HoldOutUses>(store, holdOutKey(model, data), (current) => {
    if (current === null) return { model, data, calls: [call] };
    return current.calls.includes(call) ? current : { ...current, calls: [...current.calls, call] };
  });
  return value.calls.indexOf(call) + 1;
}
