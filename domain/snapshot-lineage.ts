import type { HistoryEntry, SnapshotHistory } from './snapshot-history.ts';

/** One standing of a branch. The same snapshot may stand at several places of a history, so that it cannot be its own node. */
type Node = { readonly digest: string; readonly parents: readonly number[] };

/**
 * The newest snapshot that two branches have in common: both came from it. Entries are walked in their order, a merge has two parents, and going
 * back leads to the older place, not behind the one that was left. Null when the branches never met, or one does not exist.
 */
export function commonAncestor(history: SnapshotHistory, one: string, other: string): string | null {
  const { nodes, heads } = placesOf(history.entries);
  const mine = ancestors(nodes, heads.get(one));
  const shared = [...ancestors(nodes, heads.get(other))].filter((place) => mine.has(place));
  return nodes[Math.max(-1, ...shared)]?.digest ?? null;
}

function placesOf(entries: readonly HistoryEntry[]): {
  readonly nodes: readonly Node[];
  readonly heads: ReadonlyMap<string, number>;
} {
  const nodes: Node[] = [];
  const heads = new Map<string, number>();
  for (const entry of entries) {
    if (entry.event === 'tagged') continue;
    const standing = standsAlready(nodes, heads, entry);
    if (standing === -1) nodes.push({ digest: entry.to, parents: parentsOf(nodes, heads, entry) });
    heads.set(entry.name, standing === -1 ? nodes.length - 1 : standing);
  }
  return { nodes, heads };
}

/** Where an entry leads to a place that is there already: going back, branching off, taking over, and a merge that only follows. */
function standsAlready(nodes: readonly Node[], heads: ReadonlyMap<string, number>, entry: HistoryEntry): number {
  const { event, to, name, merged } = entry;
  if (event === 'created' || (event === 'merged' && merged !== to)) return -1;
  const own = event === 'rolledBack' ? ancestors(nodes, heads.get(name)) : new Set<number>();
  const older = nodes.findLastIndex((node, place) => node.digest === to && own.has(place));
  return older === -1 ? lastOf(nodes, to) : older;
}

function parentsOf(
  nodes: readonly Node[],
  heads: ReadonlyMap<string, number>,
  { name, merged }: HistoryEntry,
): readonly number[] {
  const parents = [heads.get(name) ?? -1, merged === undefined ? -1 : lastOf(nodes, merged)];
  return parents.filter((place) => place !== -1);
}

function lastOf(nodes: readonly Node[], digest: string): number {
  return nodes.findLastIndex((node) => node.digest === digest);
}

/** A place and all that it came from. */
function ancestors(nodes: readonly Node[], from: number | undefined): ReadonlySet<number> {
  const found = new Set<number>();
  const ahead = from === undefined ? [] : [from];
  for (let place = ahead.pop(); place !== undefined; place = ahead.pop()) {
    if (found.has(place)) continue;
    found.add(place);
    ahead.push(...(nodes[place]?.parents ?? []));
  }
  return found;
}
