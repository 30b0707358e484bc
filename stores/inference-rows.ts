import type { InferenceRow } from '../domain/inference.ts';
import { decryptColumns } from './encrypted-columns.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { relationSql } from './slices.ts';
import { readSubjectKey } from './subject-key-documents.ts';
import { openTables } from './tables.ts';
import { trafficFiles, type TrafficWindow } from './traffic.ts';

/** Keys of an endpoint's subjects, each asked for once. */
export type SubjectKeyring = {
  /** Opens the encrypted columns of a row, as far as its key is there: those of a forgotten group stay as they are. */
  open<Row extends SealedRow>(row: Row): Promise<Row>;
};

type SealedRow = Pick<InferenceRow, 'requestId' | 'record' | 'features' | 'keyId'>;

/** Makes a keyring over the keys that are in the bucket. */
export function createSubjectKeyring(store: ObjectStore, endpoint: string): SubjectKeyring {
  const keys = new Map<string, Promise<Uint8Array | null>>();
  return {
    async open(row) {
      if (row.keyId === null) return row;
      const asked = keys.get(row.keyId) ?? readSubjectKey(store, endpoint, row.keyId);
      keys.set(row.keyId, asked);
      const key = await asked;
      return {
        ...row,
        record: decryptColumns(row.record, row.requestId, key),
        features: decryptColumns(row.features, row.requestId, key),
      };
    },
  };
}

/** The columns that older files lack, and what rows of them had. */
const laterColumns = {
  answer: null,
  confidence: null,
  review: false,
  computeMs: 0,
  cost: null,
  caller: null,
  keyId: null,
};

/**
 * Reads an endpoint's inference log back, in order of time, with encrypted columns opened where their key is there: files of all versions of Perdura
 * together. One row at a time, so that memory stays bounded.
 *
 * @throws CodedError INPUT_INVALID when a bound is not a time; DISK_FULL.
 */
export async function* readInferenceRows(
  store: ObjectStore,
  options: TrafficWindow & { readonly endpoint: string; readonly cacheFolder: string },
): AsyncGenerator<InferenceRow> {
  const { inference } = await trafficFiles(store, options.cacheFolder, options.endpoint, options);
  if (inference.length === 0) return;
  const keyring = createSubjectKeyring(store, options.endpoint);
  const tables = await openTables({ temporaryFolder: options.cacheFolder });
  try {
    const sql = `SELECT * FROM ${relationSql(inference)} ORDER BY "at", requestId, shadow`;
    for await (const rows of tables.chunks(sql)) {
      for (const row of rows) yield keyring.open(inferenceRow(row));
    }
  } finally {
    tables.close();
  }
}

/** A row of the log as DuckDB reads it, of a file of any version. */
export function inferenceRow(row: Readonly<Record<string, unknown>>): InferenceRow {
  return { ...laterColumns, ...known(row) } as InferenceRow;
}

/** Without nulls: a column that older files lack is null there. */
function known(row: Readonly<Record<string, unknown>>): Partial<InferenceRow> {
  const nullable = new Set(['error', 'output']);
  return Object.fromEntries(
    Object.entries(row)
      .filter(([name, value]) => value !== null || nullable.has(name))
      .map(([name, value]) => [name, name === 'epoch' ? Number(value) : value]),
  );
}
