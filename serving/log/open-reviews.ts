import { posix } from 'node:path';
import type { OpenReview, OpenReviews } from '../../domain/review.ts';
import { writeDocumentOnce } from '../../stores/documents.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { literal, type Tables } from '../../stores/tables.ts';
import type { Segment } from './segment.ts';

/**
 * Puts the answers of a segment that wait for a person into the queue: `reviews/<endpoint>/open/<segment>.json`, once, and nothing where none waits.
 *
 * @throws CodedError CONFLICT when another value stands there.
 */
export async function queueReviews(
  store: ObjectStore,
  tables: Tables,
  { segment, parquetFile }: { readonly segment: Segment; readonly parquetFile: string },
): Promise<void> {
  if (segment.kind !== 'inference') return;
  const rows = await tables.all(
    `SELECT requestId, "at", model, modelVersion, answer, confidence, record, features, keyId
     FROM read_parquet(${literal(parquetFile)}) WHERE review ORDER BY "at", requestId`,
  );
  if (rows.length === 0) return;
  const queue: OpenReviews = { items: rows as readonly OpenReview[] };
  await writeDocumentOnce(
    store,
    `reviews/${segment.endpoint}/open/${posix.basename(segment.key, '.parquet')}.json`,
    queue,
  );
}
