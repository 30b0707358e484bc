import {
  type AliasMove,
  applyChange,
  championBefore,
  emptyRegistry,
  type Registry,
  type RegistryChange,
} from '../../domain/registry.ts';
import { newVersion } from '../support/lineage.ts';

/** A registry in which these versions became the champion one after the other; `rejected` afterwards. */
function reigned(champions: readonly string[], rejected: readonly string[] = []): Registry {
  const changes: RegistryChange[] = [];
  for (const modelVersion of new Set(champions)) {
    const version = { ...newVersion(modelVersion), modelVersion, semanticVersion: '1.0.0' };
    changes.push({ kind: 'reserve', version }, { kind: 'complete', modelVersion, packageDigest: 'd' });
  }
  for (const [index, to] of champions.entries()) changes.push({ kind: 'move', move: moveTo(`m${index}`, to) });
  for (const modelVersion of rejected) changes.push({ kind: 'reject', modelVersion, reason: 'late' });
  return changes.reduce(applyChange, emptyRegistry('flights'));
}

function moveTo(moveId: string, to: string): AliasMove {
  const at = '2001-03-01T00:00:00.000Z';
  return { moveId, alias: 'champion', from: null, to, at, who: 'ada', why: 'test', evidenceSha256: 'e' };
}

test.each([
  ['nothing was champion', [], null],
  ['the first is champion', ['1'], null],
  ['the third is champion', ['1', '2', '3'], '2'],
  ['the third was gone back from: the first, not the third', ['1', '2', '3', '2'], '1'],
  ['all were gone back from', ['1', '2', '3', '2', '1'], null],
  ['after going back a fourth is champion: what it replaced', ['1', '2', '3', '2', '4'], '2'],
])('going back when %s', (_, champions, expected) => {
  expect(championBefore(reigned(champions))).toBe(expected);
});

test('a version that was rejected since is passed over', () => {
  expect(championBefore(reigned(['1', '2', '3'], ['2']))).toBe('1');
});

test('moves of the challenger are no reigns', () => {
  const registry = reigned(['1', '2']);
  const move = { ...moveTo('c', '1'), alias: 'challenger' as const };
  expect(championBefore(applyChange(registry, { kind: 'move', move }))).toBe('1');
});

test('an alias that moves to nothing is gone, and the move stays', () => {
  const after = applyChange(reigned(['1']), { kind: 'move', move: { ...moveTo('m', '1'), to: null } });
  expect(after.aliases).toEqual({});
  expect(after.moves).toHaveLength(2);
});

test('a change of a kind that is not known is not passed over', () => {
  const change = { kind: 'archive' } as unknown as RegistryChange;
  expect(() => applyChange(emptyRegistry('flights'), change)).toThrow('Change 1 of the registry of model');
});
