import { compareFacts, factsOf } from '../../domain/compare-facts.ts';

test('only what differs is listed, in the order of sections, and the rest is counted', () => {
  const compared = compareFacts([
    { params: { epochs: '2', seed: '7' }, data: { digest: 'a' } },
    { params: { epochs: '3', seed: '7' }, data: { digest: 'a' } },
  ]);
  expect(compared).toEqual({
    differing: [{ section: 'params', name: 'epochs', values: ['2', '3'] }],
    equal: [
      { section: 'params', equal: 1, of: 2 },
      { section: 'data', equal: 1, of: 1 },
    ],
  });
});

test('a fact that one of three lacks differs', () => {
  const { differing } = compareFacts([{ metrics: { auc: '1' } }, { metrics: {} }, {}]);
  expect(differing).toEqual([{ section: 'metrics', name: 'auc', values: ['1', null, null] }]);
});

test('nested JSON is told by path, lists whole, null as null, and what is not there not at all', () => {
  expect(factsOf({ a: { b: [1, 2], c: null }, d: 'x', e: undefined })).toEqual({
    'a.b': '[1,2]',
    'a.c': 'null',
    d: 'x',
  });
});
