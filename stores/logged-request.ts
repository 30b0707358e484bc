import { CodedError, isCoded } from '../domain/errors.ts';
import type { InferenceRow, LabelRow } from '../domain/inference.ts';
import { createSubjectKeyring, inferenceRow } from './inference-rows.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { relationSql } from './slices.ts';
import { openTables, type Tables } from './tables.ts';
import { inferencePrefix, labelPrefix, trafficFiles, type TrafficWindow } from './traffic.ts';

/** What the log holds of one request. Both lists are in order of time. */
export type LoggedRequest = {
  /** Its rows, one a version that answered it, shadows included; encrypted columns are opened where their key is there. */
  readonly answers: readonly InferenceRow[];
  /** All labels that came for it. */
  readonly labels: readonly LabelRow[];
};

/**
 * Looks one request up in an endpoint's inference log and its labels. A request of several rows is found by its own id and by that of a row
 * (`<id>/<place>`).
 *
 * @throws CodedError INPUT_INVALID when a bound is not a time; DATA_UNREADABLE for a file that is no table; DISK_FULL.
 */
export async function findLoggedRequest(
  store: ObjectStore,
  options: TrafficWindow & { readonly endpoint: string; readonly requestId: string; readonly cacheFolder: string },
): Promise<LoggedRequest> {
  const { endpoint, requestId, cacheFolder } = options;
  const { inference, labels } = await trafficFiles(store, cacheFolder, endpoint, options);
  const keyring = createSubjectKeyring(store, endpoint);
  const tables = await openTables({ temporaryFolder: cacheFolder });
  try {
    const rows = await ofRequest(tables, inference, requestId);
    return {
      answers: await Promise.all(rows.map((row) => keyring.open(inferenceRow(row)))),
      labels: (await ofRequest(tables, labels, requestId)) as unknown as readonly LabelRow[],
    };
  } catch (error) {
    throw isCoded(error) ? error : unreadable(endpoint, error as Error);
  } finally {
    tables.close();
  }
}

async function ofRequest(tables: Tables, files: readonly string[], requestId: string) {
  if (files.length === 0) return [];
  return tables.all(
    `SELECT * FROM ${relationSql(files)} WHERE requestId = $1 OR starts_with(requestId, $1 || '/') ORDER BY "at", requestId`,
    [requestId],
  );
}

/** The bucket holds a file there that no model server wrote, or one that was damaged since. */
function unreadable(endpoint: string, cause: Error): CodedError {
  return new CodedError(
    'DATA_UNREADABLE',
    `A file of the log or the labels of endpoint '${endpoint}' cannot be read (${cause.message}). Bounds of time leave it out; look below ${inferencePrefix(endpoint)} and ${labelPrefix(endpoint)} for what no model server wrote.`,
    { cause },
  );
}
