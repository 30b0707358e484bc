import type { LogPolicy } from '../domain/endpoint-policy.ts';
import { readSignature } from '../stores/read-signature.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { readRoute } from '../stores/routes.ts';
import { armOf } from './route-change.ts';

/**
 * Columns of a log's policy that neither the records nor the features of the endpoint's champion have. Records may carry more than a model reads, so
 * that this is no error; but a column that is misspelt would be kept in clear, and nobody would see it.
 *
 * @throws CodedError NOT_FOUND when the champion's package is gone.
 */
export async function unknownColumns(
  store: ObjectStore,
  endpoint: string,
  { redact, encrypt }: LogPolicy,
): Promise<readonly string[]> {
  const group = encrypt?.group ?? null;
  const columns = [...redact, ...(encrypt?.columns ?? []), ...(group === null ? [] : [group])];
  const champion = armOf((await readRoute(store, endpoint))?.route.arms ?? [], 'champion');
  if (columns.length === 0 || champion === undefined) return [];
  const { record, numbers, categories } = await readSignature(store, champion.version);
  const known = new Set([...Object.keys(record), ...numbers, ...categories]);
  return columns.filter((column) => !known.has(column));
}
