import { createValueCounter, toVocabulary } from '../../training/vocabulary.ts';

test('a vocabulary is sorted by value and does not depend on the order of the rows', () => {
  expect(vocabularyOf(['b', 'a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
  expect(vocabularyOf(['c', 'b', 'b', 'a'])).toEqual(['a', 'b', 'c']);
});

test('the places follow the codes that the counter gave', () => {
  const counter = createValueCounter();
  expect(['b', 'a', 'b'].map((value) => counter.codeOf(value))).toEqual([0, 1, 0]);
  expect([...toVocabulary(counter).places]).toEqual([2, 1]);
});

test('values beyond the two thousand most frequent count as unseen', () => {
  const counter = createValueCounter();
  for (let value = 0; value < 2_001; value += 1) counter.codeOf(`v${value}`);
  for (let value = 0; value < 2_001; value += 1) if (value !== 77) counter.codeOf(`v${value}`);
  const { values, places } = toVocabulary(counter);
  expect(values).toHaveLength(2_000);
  expect(values).not.toContain('v77');
  expect(places[77]).toBe(0);
});

function vocabularyOf(rows: readonly string[]): readonly string[] {
  const counter = createValueCounter();
  for (const value of rows) counter.codeOf(value);
  return toVocabulary(counter).values;
}
