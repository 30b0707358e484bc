import { openLmdbOnlineStore } from './lmdb-online-store.ts';
import type { OnlineStore } from './online-store.ts';

/**
 * Opens the online store that the configuration names: Redis or Valkey where there is an address, else LMDB in the folder. The client of
 * Redis is loaded only where it is used.
 *
 * @throws CodedError SERVICE_UNAVAILABLE; DISK_FULL; INPUT_INVALID for an address of another kind.
 */
export async function openOnlineStore(config: {
  readonly folder: string;
  readonly url: string | null;
}): Promise<OnlineStore> {
  if (config.url === null) return openLmdbOnlineStore(config.folder);
  const { openRedisOnlineStore } = await import('./redis-online-store.ts');
  return openRedisOnlineStore(config.url);
}
