import { readDocument, updateDocument, writeDocumentOnce } from '../../stores/documents.ts';
import { createMemoryObjectStore } from '../../stores/objects/memory-object-store.ts';
import { codeOf } from '../contracts/object-store.ts';

type Counter = { readonly count: number };

test('a document that is not there is null', async () => {
  expect(await readDocument(createMemoryObjectStore(), 'a.json')).toBeNull();
});

test('20 writers that count at once lose no count', async () => {
  const store = createMemoryObjectStore();
  const increment = (current: Counter | null): Counter => ({ count: (current?.count ?? 0) + 1 });
  await Promise.all(Array.from({ length: 20 }, () => updateDocument<Counter>(store, 'a.json', increment)));
  expect((await readDocument<Counter>(store, 'a.json'))?.value).toEqual({ count: 20 });
  expect(await store.versions('a.json')).toHaveLength(20);
});

test('a change that returns its argument writes nothing', async () => {
  const store = createMemoryObjectStore();
  await updateDocument<Counter>(store, 'a.json', () => ({ count: 1 }));
  const again = await updateDocument<Counter>(store, 'a.json', (current) => current ?? { count: 2 });
  expect(again).toMatchObject({ value: { count: 1 }, changed: false });
  expect(await store.versions('a.json')).toHaveLength(1);
});

test('a change that throws writes nothing and is not tried again', async () => {
  const store = createMemoryObjectStore();
  let calls = 0;
  const refuse = () => {
    calls++;
    throw new Error('no');
  };
  await expect(updateDocument(store, 'a.json', refuse)).rejects.toThrow('no');
  expect(calls).toBe(1);
  expect(await codeOf(store.head('a.json'))).toBe('NOT_FOUND');
});

test('a writer that loses every race ends with CONFLICT', async () => {
  const store = createMemoryObjectStore();
  const alwaysLate = {
    ...store,
    read: async (key: string) => {
      const read = await store.read(key);
      await store.write(key, new TextEncoder().encode(`{"count":${Math.random()}}`));
      return read;
    },
  };
  await store.write('a.json', new TextEncoder().encode('{"count":0}'));
  expect(await codeOf(updateDocument<Counter>(alwaysLate, 'a.json', () => ({ count: -1 })))).toBe('CONFLICT');
});

test('a document written once may be written again with the same value in another order of keys', async () => {
  const store = createMemoryObjectStore();
  const first = await writeDocumentOnce(store, 'a.json', { a: 1, b: [2] });
  const again = await writeDocumentOnce(store, 'a.json', { b: [2], a: 1 });
  expect(first.created).toBe(true);
  expect(again).toEqual({ version: first.version, created: false });
});

test('a document written once refuses another value and keeps its own', async () => {
  const store = createMemoryObjectStore();
  await writeDocumentOnce(store, 'a.json', { a: 1 });
  expect(await codeOf(writeDocumentOnce(store, 'a.json', { a: 2 }))).toBe('CONFLICT');
  expect((await readDocument(store, 'a.json'))?.value).toEqual({ a: 1 });
});

test('bytes that are not JSON are DATA_UNREADABLE', async () => {
  const store = createMemoryObjectStore();
  await store.write('a.json', new TextEncoder().encode('{"count":'));
  expect(await codeOf(readDocument(store, 'a.json'))).toBe('DATA_UNREADABLE');
});
