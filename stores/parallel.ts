/**
 * Applies an operation to all items, at most `limit` at a time, and keeps their order: thousands of small reads must not open
 * thousands of sockets. The first failure ends it.
 */
export async function mapParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  operation: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Map<number, Result>();
  const queue = items.entries();
  const lane = async () => {
    for (const [index, item] of queue) results.set(index, await operation(item));
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result);
}
