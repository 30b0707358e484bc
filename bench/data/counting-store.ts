import type { ObjectStore } from '../../stores/objects/object-store.ts';

/** How often each method of a store was called. */
export type Counts = Map<string, number>;

/** A store that counts what is asked of it; each listing is one call, whatever pages it takes. */
export function counting(store: ObjectStore): { readonly store: ObjectStore; readonly counts: Counts } {
  const counts: Counts = new Map();
  const count = (method: string) => counts.set(method, (counts.get(method) ?? 0) + 1);
  return {
    counts,
    store: {
      head: (...asked) => (count('head'), store.head(...asked)),
      read: (...asked) => (count('read'), store.read(...asked)),
      stream: (...asked) => (count('stream'), store.stream(...asked)),
      write: (...asked) => (count('write'), store.write(...asked)),
      list: (...asked) => (count('list'), store.list(...asked)),
      versions: (...asked) => (count('versions'), store.versions(...asked)),
    },
  };
}

/** The counts in words; listings always, because none is the point. */
export function countsText(counts: Counts): string {
  const all = new Map([['LIST', counts.get('list') ?? 0], ...[...counts].filter(([method]) => method !== 'list')]);
  return [...all].map(([method, times]) => `${method} ${times}`).join(', ');
}
