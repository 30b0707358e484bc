/** Values beyond this many are rare enough to share the embedding of unseen ones. */
const mostValues = 2_000;

/** Collects the values of one category feature in the order of their appearance. */
export type ValueCounter = { codeOf(value: string): number; readonly counts: ReadonlyMap<string, number> };

/** Known values, sorted, and for each code of the counter its place in them plus 1; 0 for a value that is not kept. */
export type Vocabulary = { readonly values: readonly string[]; readonly places: Uint32Array };

/** Gives each new value the next code, so that rows can be kept as numbers before the vocabulary is known. */
export function createValueCounter(): ValueCounter {
  const codes = new Map<string, number>();
  const counts = new Map<string, number>();
  return {
    counts,
    codeOf(value) {
      counts.set(value, (counts.get(value) ?? 0) + 1);
      const known = codes.get(value);
      if (known !== undefined) return known;
      codes.set(value, codes.size);
      return codes.size - 1;
    },
  };
}

/** Keeps the most frequent values (ties by value), sorted by value: the result depends on the rows, not on their order. */
export function toVocabulary(counter: ValueCounter): Vocabulary {
  const appeared = [...counter.counts];
  const values = appeared
    .toSorted(([a, first], [b, second]) => second - first || (a < b ? -1 : 1))
    .slice(0, mostValues)
    .map(([value]) => value)
    .toSorted();
  const place = new Map(values.map((value, index) => [value, index + 1]));
  return { values, places: Uint32Array.from(appeared, ([value]) => place.get(value) ?? 0) };
}
