import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openLmdbOnlineStore } from '../../../stores/online/lmdb-online-store.ts';
import { onlineStoreContract } from '../../contracts/online-store.ts';

onlineStoreContract('LMDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perdura-online-'));
  const [store, other] = [await openLmdbOnlineStore(folder), await openLmdbOnlineStore(folder)];
  return {
    store,
    other,
    async close() {
      await Promise.all([store.close(), other.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
});
