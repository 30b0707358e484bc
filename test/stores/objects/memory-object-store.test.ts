import { createMemoryObjectStore } from '../../../stores/objects/memory-object-store.ts';
import { objectStoreContract } from '../../contracts/object-store.ts';

objectStoreContract('memory', async () => ({
  store: createMemoryObjectStore(),
  keys: 1_100,
  close: async () => undefined,
}));

// oxlint-disable-next-line jest/no-disabled-tests, jest/expect-expect -- the port has no delete, so there is nothing to refuse
test.skip('a version under retention cannot be deleted: nothing in memory can be deleted at all', () => undefined);
