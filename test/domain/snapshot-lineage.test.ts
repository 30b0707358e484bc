import type { HistoryEntry, HistoryEvent } from '../../domain/snapshot-history.ts';
import { commonAncestor } from '../../domain/snapshot-lineage.ts';

test('two branches have in common where one left the other', () => {
  const walk = [created('latest', 'A'), created('latest', 'B'), branched('fix', 'B'), created('latest', 'C')];
  expect(ancestorIn([...walk, created('fix', 'D')])).toBe('B');
});

test('after a merge they have in common what was merged', () => {
  const walk = [created('latest', 'A'), branched('fix', 'A'), created('latest', 'B'), created('fix', 'C')];
  const merged = [...walk, merge('latest', { to: 'M', merged: 'C' }), created('fix', 'D')];
  expect(ancestorIn(merged)).toBe('C');
  expect(ancestorIn([...merged, merge('fix', { to: 'M', merged: 'M' })])).toBe('M');
});

test('what a branch went back from is not behind it', () => {
  const walk = [created('latest', 'A'), created('latest', 'B'), branched('fix', 'B'), back('latest', 'A')];
  expect(ancestorIn([...walk, created('latest', 'C')])).toBe('A');
});

test('a snapshot that comes again later is another place', () => {
  const walk = [created('latest', 'A'), branched('fix', 'A'), created('latest', 'B'), created('latest', 'A')];
  expect(ancestorIn([...walk, created('fix', 'C')])).toBe('A');
  expect(
    ancestorIn([created('latest', 'A'), created('latest', 'B'), created('latest', 'A'), branched('fix', 'A')]),
  ).toBe('A');
});

test('tags move nothing, and branches that never met have nothing in common', () => {
  const walk = [created('latest', 'A'), entry('tagged', 'q1', 'A'), created('fix', 'B')];
  expect(ancestorIn(walk)).toBeNull();
  expect(ancestorIn([created('latest', 'A')])).toBeNull();
});

function ancestorIn(entries: readonly HistoryEntry[]): string | null {
  return commonAncestor({ dataset: 'flights', branches: {}, tags: {}, entries }, 'latest', 'fix');
}

function entry(event: HistoryEvent, name: string, to: string): HistoryEntry {
  const signed = { at: '', who: '', why: '', dataVersion: '1.0.0', reasons: [] };
  return { ...signed, entryId: '', event, name, from: null, to };
}

function created(name: string, to: string): HistoryEntry {
  return entry('created', name, to);
}

function branched(name: string, to: string): HistoryEntry {
  return entry('branched', name, to);
}

function back(name: string, to: string): HistoryEntry {
  return entry('rolledBack', name, to);
}

function merge(name: string, { to, merged }: { readonly to: string; readonly merged: string }): HistoryEntry {
  return { ...entry('merged', name, to), merged };
}
