import type { DataSlice } from '../../domain/snapshot.ts';
import { holdOutKey, type HoldOutUses, useHoldOut } from '../../stores/hold-outs.ts';
import { readDocument } from '../../stores/documents.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';

const data: DataSlice = { snapshot: { dataset: 'flights', digest: 'a'.repeat(64), rows: 10 }, rows: 4 };
const june: DataSlice = { ...data, time: { column: 'date', from: '2001-06-01T00:00:00.000Z' } };

test('uses are counted from 1, for each model and slice', async () => {
  const store = createMemoryObjectStore();
  const use = (call: string, model = 'flights', slice = data) => useHoldOut(store, { model, data: slice, call });
  expect([await use('a'), await use('b'), await use('a', 'other'), await use('c', 'flights', june)]).toEqual([
    1, 2, 1, 1,
  ]);
  expect((await readDocument<HoldOutUses>(store, holdOutKey('flights', data)))?.value).toEqual({
    model: 'flights',
    data,
    calls: ['a', 'b'],
  });
});

test('a call that is tried again is the same use', async () => {
  const store = createMemoryObjectStore();
  for (const call of ['a', 'b', 'a', 'a']) await useHoldOut(store, { model: 'flights', data, call });
  expect(await useHoldOut(store, { model: 'flights', data, call: 'b' })).toBe(2);
});

test('twenty uses at once have twenty numbers', async () => {
  const store = createMemoryObjectStore();
  const calls = Array.from({ length: 20 }, (_, place) => `call ${place}`);
  const uses = await Promise.all(calls.map((call) => useHoldOut(store, { model: 'flights', data, call })));
  expect(uses.toSorted((a, b) => a - b)).toEqual(calls.map((_, place) => place + 1));
});
